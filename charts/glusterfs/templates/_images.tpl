{{/* The name of an image, given `image` (registry, repository, tag, digest) and the `tag` of one that has none. */}}
{{- define "glusterfs.image" -}}
  {{- $name := list .image.registry .image.repository | compact | join "/" -}}
  {{- if .image.digest -}}
    {{- printf "%s@%s" $name .image.digest -}}
  {{- else -}}
    {{- printf "%s:%s" $name (default .tag .image.tag) -}}
  {{- end -}}
{{- end -}}
