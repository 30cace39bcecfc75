{{/*
The start of every object's name, at most 40 characters. A plan on a laptop takes it from the ConfigMap of values.
*/}}
{{- define "glusterfs.fullname" -}}
  {{- $name := default .Chart.Name .Values.nameOverride -}}
  {{- $full := printf "%s-%s" .Release.Name $name -}}
  {{- if or (contains $name .Release.Name) (and (contains "gluster" .Release.Name) (not .Values.nameOverride)) -}}
    {{- $full = .Release.Name -}}
  {{- end -}}
  {{- include "glusterfs.shortened" (dict "text" (default $full .Values.fullnameOverride) "max" 40) -}}
{{- end -}}

{{/*
A text as a part of an object's name, given `text` and `max`. Dots become dashes and what is too long is cut off; a hash
of the text is added then, so that two texts never become one name.
*/}}
{{- define "glusterfs.shortened" -}}
  {{- if or (contains "." .text) (gt (len .text) .max) -}}
    {{- $head := .text | replace "." "-" | trunc (sub .max 9 | int) | trimSuffix "-" -}}
    {{- printf "%s-%s" $head (.text | sha256sum | trunc 8) -}}
  {{- else -}}
    {{- .text -}}
  {{- end -}}
{{- end -}}

{{/*
A node's name in objects' names and in labels, given `root` and `node`. A StatefulSet's name has at most 52 characters.
*/}}
{{- define "glusterfs.peer" -}}
  {{- $max := sub 51 (include "glusterfs.fullname" .root | len) | int -}}
  {{- include "glusterfs.shortened" (dict "text" .node.name "max" $max) -}}
{{- end -}}

{{/* Names of the peers' pods as a JSON list, "" without nodes. */}}
{{- define "glusterfs.peerPods" -}}
  {{- $fullname := include "glusterfs.fullname" . -}}
  {{- $pods := list -}}
  {{- range .Values.nodes -}}
    {{- $pods = append $pods (printf "%s-%s-0" $fullname (include "glusterfs.peer" (dict "root" $ "node" .))) -}}
  {{- end -}}
  {{- if $pods -}}
    {{- sortAlpha $pods | toJson -}}
  {{- end -}}
{{- end -}}
