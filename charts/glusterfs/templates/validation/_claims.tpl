{{/* Problems of `csi` and of the volumes' `claims`, given the values. As hooks/values/claims.py. */}}
{{- define "glusterfs.validate.claims" }}
  {{- $path := .csi.kubeletPath }}
  {{- if not (include "glusterfs.isPlainPath" $path) }}
    - csi.kubeletPath: {{ $path }} {{ include "glusterfs.plainPathWanted" . }}, such as /var/lib/kubelet.
  {{- end }}
  {{- $claims := dict }}
  {{- range $i, $volume := .volumes }}
    {{- range $j, $claim := .claims }}
      {{- $name := printf "%s/%s" .namespace .name }}
      {{- $here := printf "volumes[%d].claims[%d]" $i $j }}
      {{- if hasKey $claims $name }}
        - {{ $here }} ({{ .name }}): {{ get $claims $name }} is the claim {{ $name }} too:
          give each claim a name of its own.
      {{- else }}
        {{- $_ := set $claims $name $here }}
      {{- end }}
    {{- end }}
  {{- end }}
{{- end }}

{{/* Problems of `storageClasses`, given the values. */}}
{{- define "glusterfs.validate.storageClasses" }}
  {{- $volumes := list }}
  {{- range .volumes }}
    {{- $volumes = append $volumes .name }}
  {{- end }}
  {{- $names := dict }}
  {{- $default := "" }}
  {{- range $i, $class := .storageClasses }}
    {{- $here := printf "storageClasses[%d] (%s)" $i .name }}
    {{- if hasKey $names .name }}
      - {{ $here }}: {{ get $names .name }} has this name too: give each class its own.
    {{- else }}
      {{- $_ := set $names .name (printf "storageClasses[%d]" $i) }}
    {{- end }}
    {{- if not (has .volume $volumes) }}
      - {{ $here }}: {{ .volume }} is not in `volumes`: correct the name or add the volume;
        there are {{ include "glusterfs.joined" $volumes | default "none" }}.
    {{- end }}
    {{- if and .default $default }}
      - {{ $here }}: {{ $default }} is the default too: there can be one.
    {{- else if .default }}
      {{- $default = printf "storageClasses[%d]" $i }}
    {{- end }}
  {{- end }}
{{- end }}

{{/* Problems of `nfs`, given the values. */}}
{{- define "glusterfs.validate.exports" }}
  {{- $volumes := list }}
  {{- range include "glusterfs.volumes" (dict "Values" .) | fromJsonArray }}
    {{- $volumes = append $volumes .name }}
  {{- end }}
  {{- range $i, $name := .nfs.volumes }}
    {{- if not (has $name $volumes) }}
      - nfs.volumes[{{ $i }}]: {{ $name }} is not in `volumes`, or is to be deleted: correct the name or take it out;
        there are {{ include "glusterfs.joined" $volumes | default "none" }}.
    {{- end }}
  {{- end }}
{{- end }}
