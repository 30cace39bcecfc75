{{/* The entries of `volumes` without those to be deleted, as a JSON list. */}}
{{- define "glusterfs.volumes" -}}
  {{- $volumes := list -}}
  {{- range .Values.volumes -}}
    {{- if ne (toString .state) "deleted" -}}
      {{- $volumes = append $volumes . -}}
    {{- end -}}
  {{- end -}}
  {{- $volumes | toJson -}}
{{- end -}}
