{{/* "true" if the values ask for a claim, a storage class or the driver alone. */}}
{{- define "glusterfs.csi" -}}
{{- $wanted := or .Values.csi.enabled .Values.storageClasses -}}
{{- range .Values.volumes -}}
{{- if .claims -}}{{- $wanted = true -}}{{- end -}}
{{- end -}}
{{- if $wanted -}}true{{- end -}}
{{- end -}}

{{/*
The driver's name, also that of its cluster-wide objects: no two releases share it. At most 38 characters, for it is a
part of socket paths, which have at most 107.
*/}}
{{- define "glusterfs.csiDriver" -}}
{{- $name := printf "%s.%s.glusterfs" (include "glusterfs.fullname" .) .Release.Namespace -}}
{{- if gt (len $name) 38 -}}
{{- $name = printf "%s-%s.glusterfs" ($name | trunc 19 | trimSuffix "-" | trimSuffix ".") ($name | sha256sum | trunc 8) -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{/* The driver's directory on each node, below the kubelet's root directory. */}}
{{- define "glusterfs.csiPluginDir" -}}
{{- printf "%s/plugins/%s" .Values.csi.kubeletPath (include "glusterfs.csiDriver" .) -}}
{{- end -}}

{{/* The name of a claim's PersistentVolume. Namespaces have no dots and neither have claims, so no two are the same. */}}
{{- define "glusterfs.csiVolume" -}}
{{- printf "%s.%s.%s" (include "glusterfs.csiDriver" .root) .claim.namespace .claim.name -}}
{{- end -}}

{{/* Spec of a PersistentVolume that is all of a volume, or of the claim bound to it. The size means nothing. */}}
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

{{/* What the containers of the controller's pod have in common, given their resources. */}}
{{- define "glusterfs.csiUnprivileged" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- with . }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumeMounts:
  - name: csi
    mountPath: /csi
{{- end -}}

{{/* What the pods of both DaemonSets have in common. */}}
{{- define "glusterfs.csiPod" -}}
enableServiceLinks: false
{{- with .Values.csi.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.csi.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.csi.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* As checkNodes and checkVolumes in _validate.tpl; hooks/values/claims.py says the same. */}}
{{- define "glusterfs.checkClaims" -}}
{{- $check := . -}}
{{- $path := .values.csi.kubeletPath -}}
{{- if not (include "glusterfs.isPlainPath" $path) -}}
{{- include "glusterfs.say" (list . (printf "csi.kubeletPath: %s %s, such as /var/lib/kubelet." $path (include "glusterfs.plainPathWanted" .))) -}}
{{- end -}}
{{- $claims := dict -}}
{{- $volumes := list -}}
{{- range $i, $volume := .values.volumes -}}
{{- $volumes = append $volumes .name -}}
{{- range $j, $claim := .claims -}}
{{- $name := printf "%s/%s" .namespace .name -}}
{{- if hasKey $claims $name -}}
{{- include "glusterfs.say" (list $check (printf "volumes[%d].claims[%d] (%s): %s is the claim %s too: give each claim a name of its own." $i $j .name (get $claims $name) $name)) -}}
{{- else -}}
{{- $_ := set $claims $name (printf "volumes[%d].claims[%d]" $i $j) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $classes := dict -}}
{{- $default := "" -}}
{{- range $i, $class := .values.storageClasses -}}
{{- $here := printf "storageClasses[%d] (%s)" $i .name -}}
{{- if hasKey $classes .name -}}
{{- include "glusterfs.say" (list $check (printf "%s: %s has this name too: give each class its own." $here (get $classes .name))) -}}
{{- else -}}
{{- $_ := set $classes .name (printf "storageClasses[%d]" $i) -}}
{{- end -}}
{{- if not (has .volume $volumes) -}}
{{- include "glusterfs.say" (list $check (printf "%s: %s is not in `volumes`: correct the name or add the volume; there are %s." $here .volume (include "glusterfs.and" $volumes | default "none"))) -}}
{{- end -}}
{{- if and .default $default -}}
{{- include "glusterfs.say" (list $check (printf "%s: %s is the default too: there can be one." $here $default)) -}}
{{- else if .default -}}
{{- $default = printf "storageClasses[%d]" $i -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "glusterfs.checkExports" -}}
{{- $check := . -}}
{{- $volumes := list -}}
{{- range include "glusterfs.volumes" (dict "Values" .values) | fromJsonArray -}}
{{- $volumes = append $volumes .name -}}
{{- end -}}
{{- range $i, $name := .values.nfs.volumes -}}
{{- if not (has $name $volumes) -}}
{{- include "glusterfs.say" (list $check (printf "nfs.volumes[%d]: %s is not in `volumes`, or is to be deleted: correct the name or take it out; there are %s." $i $name (include "glusterfs.and" $volumes | default "none"))) -}}
{{- end -}}
{{- end -}}
{{- end -}}
