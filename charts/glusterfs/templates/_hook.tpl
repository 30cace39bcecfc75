{{/*
What all Jobs do alike: root, args (the command and its flags), account; values (a ConfigMap's name) where the command
takes them; component, retries and seconds where they are not a hook's.
*/}}
{{- define "glusterfs.hookJob" -}}
{{- $fullname := include "glusterfs.fullname" .root -}}
backoffLimit: {{ int (ternary .retries .root.Values.hooks.backoffLimit (hasKey . "retries")) }}
activeDeadlineSeconds: {{ int (default .root.Values.hooks.activeDeadlineSeconds .seconds) }}
podFailurePolicy:
  rules:
    - action: Ignore
      onPodConditions:
        - {type: DisruptionTarget, status: "True"}
    # The hook has said in words why it ends (hooks/run/endings.py): to repeat it at once would not help.
    - action: FailJob
      onExitCodes:
        containerName: hook
        operator: In
        values: [1, 3, 4, 5, 6, 7]
      # Kubernetes 1.26 to 1.28 say in their OpenAPI schema that this is required.
      onPodConditions: []
template:
  metadata:
    labels:
      {{- include "glusterfs.selectorLabels" (dict "root" .root "component" (default "hook" .component)) | nindent 6 }}
  spec:
    restartPolicy: Never
    serviceAccountName: {{ .account }}
    automountServiceAccountToken: true
    enableServiceLinks: false
    securityContext:
      runAsNonRoot: true
      runAsUser: 65532
      runAsGroup: 65532
      seccompProfile:
        type: RuntimeDefault
    {{- with .root.Values.imagePullSecrets }}
    imagePullSecrets:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with .root.Values.hooks.nodeSelector }}
    nodeSelector:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with .root.Values.hooks.tolerations }}
    tolerations:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    containers:
      - name: hook
        image: {{ include "glusterfs.image" (dict "image" .root.Values.hooks.image "tag" .root.Chart.Version) }}
        imagePullPolicy: {{ .root.Values.hooks.image.pullPolicy }}
        args:
          {{- range .args }}
          - {{ . | quote }}
          {{- end }}
          {{- if .values }}
          - --values
          - /values/values.yaml
          - --fullname
          - {{ $fullname | quote }}
          {{- end }}
          - --release
          - {{ .root.Release.Name | quote }}
          - --namespace
          - {{ .root.Release.Namespace | quote }}
        securityContext:
          allowPrivilegeEscalation: false
          readOnlyRootFilesystem: true
          capabilities:
            drop: [ALL]
        {{- with .root.Values.hooks.resources }}
        resources:
          {{- toYaml . | nindent 10 }}
        {{- end }}
        volumeMounts:
          {{- if .values }}
          - name: values
            mountPath: /values
            readOnly: true
          {{- end }}
          - name: tmp
            mountPath: /tmp
    volumes:
      {{- with .values }}
      - name: values
        configMap:
          name: {{ . }}
      {{- end }}
      - name: tmp
        emptyDir: {}
{{- end -}}

{{/* Rules of a Role that may look at the pool: read the peers' objects, and run gluster in them and in no other pod. */}}
{{- define "glusterfs.lookRules" -}}
{{- $fullname := include "glusterfs.fullname" . -}}
# Wait for the peers and say what keeps one from coming.
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
# Which of the two verbs it takes depends on the client's protocol.
- apiGroups: [""]
  resources: [pods/exec]
  resourceNames: {{ . }}
  verbs: [get, create]
{{- end }}
{{- end -}}

{{/*
Metadata of an object that comes and goes with a hook: root, hook (when), weight, name; anywhere where it has no namespace,
log with the log policy of a Job.
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

{{/* Rules of a Role whose holder takes the hooks' Lease and writes the report. */}}
{{- define "glusterfs.workRules" -}}
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

{{/* Names of the peers' pods as a JSON list, "" without nodes. */}}
{{- define "glusterfs.peerPods" -}}
{{- $fullname := include "glusterfs.fullname" . -}}
{{- $pods := list -}}
{{- range .Values.nodes -}}
{{- $pods = append $pods (printf "%s-%s-0" $fullname (include "glusterfs.peer" (dict "root" $ "node" .))) -}}
{{- end -}}
{{- if $pods -}}{{- sortAlpha $pods | toJson -}}{{- end -}}
{{- end -}}
