{{/*
The name of a claim's PersistentVolume, given `root` and `claim`. Names of namespaces and of claims have no dots, so no
two claims get one name.
*/}}
{{- define "glusterfs.csiVolume" -}}
  {{- printf "%s.%s.%s" (include "glusterfs.csiDriver" .root) .claim.namespace .claim.name -}}
{{- end -}}

{{/*
Spec of a PersistentVolume for a whole volume, or of the claim that is bound to it. Given `root`, `kind` (which of the
two), `volume` (its name) and `claim`. Kubernetes wants a size; nothing enforces this one.
*/}}
{{- define "glusterfs.csiSpec" -}}
accessModes: [ReadWriteMany]
storageClassName: ""
volumeMode: Filesystem
{{- if eq .kind "PersistentVolumeClaim" }}
volumeName: {{ include "glusterfs.csiVolume" (dict "root" .root "claim" .claim) }}
resources:
  requests:
    storage: 1Gi
{{- else }}
capacity:
  storage: 1Gi
persistentVolumeReclaimPolicy: Retain
claimRef:
  namespace: {{ .claim.namespace }}
  name: {{ .claim.name }}
{{- with .claim.mountOptions }}
mountOptions:
  {{- toYaml . | nindent 2 }}
{{- end }}
csi:
  driver: {{ include "glusterfs.csiDriver" .root }}
  volumeHandle: {{ printf "%s#%s.%s" .volume .claim.namespace .claim.name }}
{{- end }}
{{- end -}}
