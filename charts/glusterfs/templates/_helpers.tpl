{{/* The start of every object's name, at most 40 characters. A plan on a laptop takes it from the ConfigMap of values. */}}
{{- define "glusterfs.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := printf "%s-%s" .Release.Name $name -}}
{{- if or (contains $name .Release.Name) (and (contains "gluster" .Release.Name) (not .Values.nameOverride)) -}}
{{- $full = .Release.Name -}}
{{- end -}}
{{- include "glusterfs.cut" (dict "text" (default $full .Values.fullnameOverride) "max" 40) -}}
{{- end -}}

{{/* A text as a part of an object's name. Dots are replaced, what is too long is cut; a hash keeps such names apart. */}}
{{- define "glusterfs.cut" -}}
{{- if or (contains "." .text) (gt (len .text) .max) -}}
{{- $head := .text | replace "." "-" | trunc (sub .max 9 | int) | trimSuffix "-" -}}
{{- printf "%s-%s" $head (.text | sha256sum | trunc 8) -}}
{{- else -}}
{{- .text -}}
{{- end -}}
{{- end -}}

{{/* A node's name in objects' names and in labels. A StatefulSet's name has at most 52 characters. */}}
{{- define "glusterfs.peer" -}}
{{- include "glusterfs.cut" (dict "text" .node.name "max" (sub 51 (include "glusterfs.fullname" .root | len) | int)) -}}
{{- end -}}

{{/* Labels that never change: a StatefulSet's selector cannot. So no version here, and no name that values can change. */}}
{{- define "glusterfs.selectorLabels" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "glusterfs.labels" -}}
{{ include "glusterfs.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{/* Metadata of one of the release's own objects: root, component, name. */}}
{{- define "glusterfs.metadata" -}}
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "glusterfs.labels" . | nindent 4 }}
{{- end -}}

{{/* Who gets which role by a binding: root, name of the Role; kind and account where it is no Role or not of that name. */}}
{{- define "glusterfs.binding" -}}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ default "Role" .kind }}
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ default .name .account }}
    namespace: {{ .root.Release.Namespace }}
{{- end -}}

{{- define "glusterfs.image" -}}
{{- $name := list .image.registry .image.repository | compact | join "/" -}}
{{- if .image.digest -}}
{{- printf "%s@%s" $name .image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (default .tag .image.tag) -}}
{{- end -}}
{{- end -}}

{{/* The volumes that are not to be deleted. */}}
{{- define "glusterfs.volumes" -}}
{{- $volumes := list -}}
{{- range .Values.volumes -}}
{{- if ne (toString .state) "deleted" -}}{{- $volumes = append $volumes . -}}{{- end -}}
{{- end -}}
{{- $volumes | toJson -}}
{{- end -}}

{{/* The Secret with the pool's certificate; "" where it has no TLS. */}}
{{- define "glusterfs.tlsSecret" -}}
{{- if .Values.tls.enabled -}}
{{- default (printf "%s-tls" (include "glusterfs.fullname" .)) .Values.tls.existingSecret -}}
{{- end -}}
{{- end -}}

{{/* That Secret as a pod's volume `tls`, under the names that GlusterFS looks for; to be mounted at /tls. */}}
{{- define "glusterfs.tlsVolume" -}}
- name: tls
  secret:
    secretName: {{ include "glusterfs.tlsSecret" . }}
    defaultMode: 0400
    items:
      - {key: tls.crt, path: glusterfs.pem}
      - {key: tls.key, path: glusterfs.key}
      - {key: ca.crt, path: glusterfs.ca}
{{- end -}}
