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
