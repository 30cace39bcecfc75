{{/*
The rest of a RoleBinding that gives a Role to a ServiceAccount, given `root` and `name`, the name of both. For a
ClusterRole also `kind`; `account` if the ServiceAccount has another name.
*/}}
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
