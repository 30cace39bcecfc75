{{/*
Spec of a Job that runs a command of the hooks' image. Given `root`, `args` (the command and its flags) and `account` (a
ServiceAccount); `values`, the name of a ConfigMap, if the command reads values; `component`, `retries` and `seconds` if
they differ from the hooks' own. With `told`, the Job's name, Helm prints one line of it (hooks/run/outcome.py explains
why): an init container does the work, and the container after it tells what came of it.
*/}}
{{- define "glusterfs.hookJob" -}}
{{- $args := .args -}}
{{- if .values }}
  {{- $fullname := include "glusterfs.fullname" .root }}
  {{- $args = concat $args (list "--values" "/values/values.yaml" "--fullname" $fullname) }}
{{- end -}}
{{- $args = concat $args (list "--release" .root.Release.Name "--namespace" .root.Release.Namespace) -}}
backoffLimit: {{ int (ternary .retries .root.Values.hooks.backoffLimit (hasKey . "retries")) }}
activeDeadlineSeconds: {{ int (default .root.Values.hooks.activeDeadlineSeconds .seconds) }}
podFailurePolicy:
  rules:
    - action: Ignore
      onPodConditions:
        - {type: DisruptionTarget, status: "True"}
    # The hook has explained why it ends (hooks/run/endings.py): a second attempt at once would end the same way.
    - action: FailJob
      onExitCodes:
        operator: In
        values: [1, 3, 4, 5, 6, 7]
      # The OpenAPI schema of Kubernetes 1.26 to 1.28 requires this field.
      onPodConditions: []
template:
  metadata:
    labels:
      {{- include "glusterfs.selectorLabels" (dict "root" .root "component" (default "hook" .component)) | nindent 6 }}
    {{- if .told }}
    annotations:
      kubectl.kubernetes.io/default-container: hook
    {{- end }}
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
    {{- if .told }}
    {{- $logs := printf "kubectl -n %s logs job/%s" .root.Release.Namespace .told }}
    {{- $work := dict "name" "hook" "args" (concat $args (list "--outcome" "/tmp/outcome")) }}
    {{- $tell := dict "root" .root "name" "outcome" "command" (list "python3" "-m" "hooks.run.outcome") }}
    initContainers:
      {{- include "glusterfs.hookContainer" (merge $work .) | nindent 6 }}
    containers:
      {{- include "glusterfs.hookContainer" (merge (dict "args" (list "/tmp/outcome" $logs)) $tell) | nindent 6 }}
    {{- else }}
    containers:
      {{- include "glusterfs.hookContainer" (merge (dict "name" "hook" "args" $args) .) | nindent 6 }}
    {{- end }}
    volumes:
      {{- with .values }}
      - name: values
        configMap:
          name: {{ . }}
      {{- end }}
      - name: tmp
        emptyDir: {}
{{- end -}}

{{/*
A container of the hooks' image. Given `root`, `name` and `args`; `command` if it is not the image's; `values` as hookJob.
*/}}
{{- define "glusterfs.hookContainer" -}}
- name: {{ .name }}
  image: {{ include "glusterfs.image" (dict "image" .root.Values.hooks.image "tag" .root.Chart.Version) }}
  imagePullPolicy: {{ .root.Values.hooks.image.pullPolicy }}
  {{- with .command }}
  command: {{ toJson . }}
  {{- end }}
  args:
    {{- range .args }}
    - {{ . | quote }}
    {{- end }}
  securityContext:
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities:
      drop: [ALL]
  {{- with .root.Values.hooks.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  volumeMounts:
    {{- if .values }}
    - name: values
      mountPath: /values
      readOnly: true
    {{- end }}
    - name: tmp
      mountPath: /tmp
{{- end -}}
