{{/*
Metadata of an object that Helm makes for a hook and deletes after it. Given `root`, `name`, `hook` (when it runs) and
`weight`; `anywhere` for an object without a namespace; `log`, a Job's output log policy.
*/}}
{{- define "glusterfs.hookMetadata" -}}
metadata:
  name: {{ .name }}
  {{- if not .anywhere }}
  namespace: {{ .root.Release.Namespace }}
  {{- end }}
  labels:
    {{- include "glusterfs.labels" (dict "root" .root "component" "hook") | nindent 4 }}
  annotations:
    helm.sh/hook: {{ .hook }}
    helm.sh/hook-weight: {{ .weight | quote }}
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
    {{- with .log }}
    helm.sh/hook-output-log-policy: {{ . }}
    {{- end }}
{{- end -}}
