{{/* A number of things in words, given the number and the thing: "a brick", "3 bricks". */}}
{{- define "glusterfs.amount" -}}
  {{- if eq (first .) 1 -}}
    a {{ last . }}
  {{- else -}}
    {{ first . }} {{ last . }}s
  {{- end -}}
{{- end -}}

{{/* A list in words: "a", "a and b", "a, b and c"; "" if it is empty. */}}
{{- define "glusterfs.joined" -}}
  {{- if gt (len .) 1 -}}
    {{ initial . | join ", " }} and {{ last . }}
  {{- else -}}
    {{ join "" . }}
  {{- end -}}
{{- end -}}
