{{/* "true" for a path that is what `plainPathWanted` asks for, without `.` and `..`. As hooks/values/paths.py. */}}
{{- define "glusterfs.isPlainPath" -}}
  {{- if and (regexMatch `^(/[A-Za-z0-9._+@=-]+)+$` .) (not (regexMatch `/\.\.?(/|$)` .)) -}}
    true
  {{- end -}}
{{- end -}}

{{- define "glusterfs.plainPathWanted" -}}
  is no plain absolute path: write letters, digits and any of ._+@=- between slashes, none at the end
{{- end -}}

{{/* "true" if one of two paths is the other one or lies inside it. */}}
{{- define "glusterfs.overlap" -}}
  {{- $one := first . | printf "%s/" -}}
  {{- $other := last . | printf "%s/" -}}
  {{- if or (hasPrefix $one $other) (hasPrefix $other $one) -}}
    true
  {{- end -}}
{{- end -}}
