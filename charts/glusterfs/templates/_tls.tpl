{{/* The name of the Secret with the pool's certificate; "" without TLS. */}}
{{- define "glusterfs.tlsSecret" -}}
  {{- if .Values.tls.enabled -}}
    {{- default (printf "%s-tls" (include "glusterfs.fullname" .)) .Values.tls.existingSecret -}}
  {{- end -}}
{{- end -}}

{{/* That Secret as a pod's volume `tls`, with the file names that GlusterFS looks for; mounted at /tls. */}}
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
