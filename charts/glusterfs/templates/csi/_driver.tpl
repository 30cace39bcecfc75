{{/* "true" if the values ask for the driver: by a claim, by a storage class, or by `csi.enabled`. */}}
{{- define "glusterfs.csi" -}}
  {{- $wanted := or .Values.csi.enabled .Values.storageClasses -}}
  {{- range .Values.volumes -}}
    {{- if .claims -}}
      {{- $wanted = true -}}
    {{- end -}}
  {{- end -}}
  {{- if $wanted -}}
    true
  {{- end -}}
{{- end -}}

{{/*
The driver's name, which its cluster-wide objects have too, so no two releases may share it. At most 38 characters: it
is a part of the paths of sockets, which have at most 107.
*/}}
{{- define "glusterfs.csiDriver" -}}
  {{- $name := printf "%s.%s.glusterfs" (include "glusterfs.fullname" .) .Release.Namespace -}}
  {{- if gt (len $name) 38 -}}
    {{- $head := $name | trunc 19 | trimSuffix "-" | trimSuffix "." -}}
    {{- $name = printf "%s-%s.glusterfs" $head ($name | sha256sum | trunc 8) -}}
  {{- end -}}
  {{- $name -}}
{{- end -}}

{{/* The driver's folder on each node, below the kubelet's. */}}
{{- define "glusterfs.csiPluginDir" -}}
  {{- printf "%s/plugins/%s" .Values.csi.kubeletPath (include "glusterfs.csiDriver" .) -}}
{{- end -}}
