{{/*
Spec of a Job that runs a command of the hooks' image. Given `root`, `args` (the command and its flags) and `account` (a
ServiceAccount); `values`, the name of a ConfigMap, if the command reads values; `component`, `retries` and `seconds` if
they differ from the hooks' own.
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
    # 1 is a refusal, or an error that the hook has explained: a second attempt would end the same way.
    - action: FailJob
      onExitCodes:
        containerName: hook
        operator: In
        values: [1]
      # The OpenAPI schema of Kubernetes 1.26 to 1.28 requires this field.
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
