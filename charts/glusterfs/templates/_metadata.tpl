{{/*
Labels for selectors, given `root` and `component`. A StatefulSet's selector cannot change, so there is no version here
and no name that values can change.
*/}}
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

{{/* Metadata of an object that belongs to the release, given `root`, `component` and `name`. */}}
{{- define "glusterfs.metadata" -}}
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "glusterfs.labels" . | nindent 4 }}
{{- end -}}
