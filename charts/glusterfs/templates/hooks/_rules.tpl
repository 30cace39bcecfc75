{{/* Rules of a Role for observing the pool: read the peers' objects, run gluster in their pods and in no other. */}}
{{- define "glusterfs.observeRules" -}}
{{- $fullname := include "glusterfs.fullname" . -}}
# Wait for the peers, and report what keeps one from starting.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list]
- apiGroups: [""]
  resources: [events]
  verbs: [list]
- apiGroups: [apps]
  resources: [statefulsets]
  verbs: [list]
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [{{ $fullname }}-report]
  verbs: [get]
{{- with include "glusterfs.peerPods" . }}
# Which of the two verbs the API server checks depends on the client's protocol.
- apiGroups: [""]
  resources: [pods/exec]
  resourceNames: {{ . }}
  verbs: [get, create]
{{- end }}
{{- end -}}

{{/* Rules of a Role for changing the pool: hold the hooks' Lease and write the report. */}}
{{- define "glusterfs.changeRules" -}}
{{- $fullname := include "glusterfs.fullname" . -}}
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [{{ $fullname }}-report]
  verbs: [patch]
# One hook at a time. A create request cannot be limited to a name.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ $fullname }}-hook]
  verbs: [get, update]
{{- end -}}
