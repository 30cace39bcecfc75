{{/*
Problems of `volumes`, given `values` and the result of `glusterfs.nodes`. As hooks/values/volumes.py. Their bricks and
`layout` are in _bricks.tpl.
*/}}
{{- define "glusterfs.validate.volumes" }}
  {{- $nodes := .nodes }}
  {{- $names := dict }}
  {{- $folders := dict }}
  {{- $parents := dict }}
  {{- range $i, $volume := .values.volumes }}
    {{- $here := printf "volumes[%d] (%s)" $i .name }}
    {{- $bricks := list }}
    {{- include "glusterfs.validate.volumeName" (dict "here" $here "name" .name) }}
    {{- include "glusterfs.validate.volumeState" (dict "here" $here "volume" .) }}
    {{- /* The bricks of a volume to be deleted are those that the pool has, not what the values give. */}}
    {{- if ne (toString .state) "deleted" }}
      {{- $typeProblems := include "glusterfs.validate.type" (dict "here" $here "volume" .) }}
      {{- $size := ternary "0" (include "glusterfs.setSize" .) (not (empty $typeProblems)) | int }}
      {{- $typeProblems }}
      {{- include "glusterfs.validate.options" (dict "i" $i "volume" .) }}
      {{- if $nodes.names }}
        {{- $one := dict "i" $i "here" $here "volume" . "size" $size "nodes" $nodes }}
        {{- $brickProblems := include "glusterfs.validate.bricks" $one }}
        {{- $brickProblems }}
        {{- if and $size (not $brickProblems) }}
          {{- $bricks = include "glusterfs.bricks" $one | fromJsonArray }}
          {{- include "glusterfs.validate.sets" (dict "one" $one "bricks" $bricks) }}
          {{- $bricks = slice $bricks 0 (sub (len $bricks) (mod (len $bricks) $size)) }}
        {{- end }}
      {{- end }}
    {{- end }}
    {{- if hasKey $names .name }}
      - {{ $here }}: {{ get $names .name }} has this name too: give each volume its own.
    {{- else }}
      {{- $_ := set $names .name (printf "volumes[%d]" $i) }}
      {{- include "glusterfs.validate.folders" (dict
            "here" $here "bricks" $bricks "folders" $folders "parents" $parents) }}
    {{- end }}
  {{- end }}
{{- end }}

{{- define "glusterfs.validate.volumeName" }}
  {{- if not (regexMatch `^[A-Za-z0-9][A-Za-z0-9_-]*$` .name) }}
    - {{ .here }}: gluster takes no such name: use letters, digits, _ and -, a letter or digit first.
  {{- end }}
  {{- if eq .name "all" }}
    - {{ .here }}: `all` means every volume to gluster: choose another name.
  {{- end }}
{{- end }}

{{- define "glusterfs.validate.volumeState" }}
  {{- $deleted := eq (toString .volume.state) "deleted" }}
  {{- if and $deleted (ne (toString .volume.confirm) "yes-really-destroy-data") }}
    - {{ .here }}: `state: deleted` destroys its data: add `confirm: yes-really-destroy-data`,
      or leave `state` out to keep it.
  {{- else if and (not $deleted) (hasKey .volume "confirm") }}
    - {{ .here }}: confirm goes with `state: deleted`: leave it out.
  {{- end }}
{{- end }}

{{- define "glusterfs.validate.type" }}
  {{- $replica := int .volume.replica }}
  {{- $arbiter := int .volume.arbiter }}
  {{- $disperse := int .volume.disperse }}
  {{- $redundancy := int .volume.redundancy }}
  {{- $least := mul 2 $redundancy | add 1 }}
  {{- if and $replica (or $disperse $redundancy) }}
    - {{ .here }}: replica and disperse are two types of volume: leave one out.
  {{- else if and $arbiter (not $replica) }}
    - {{ .here }}: arbiter needs replica: add `replica: 2`.
  {{- else if and $arbiter (gt $replica 3) }}
    - {{ .here }}: an arbiter goes with two copies, not with replica {{ $replica }}: use `replica: 2`.
  {{- else if and $disperse (not $redundancy) }}
    - {{ .here }}: disperse needs redundancy: say how many bricks of a set may fail: add `redundancy: 1`.
  {{- else if and $redundancy (not $disperse) }}
    - {{ .here }}: redundancy needs disperse: say how many bricks a set has: add `disperse: 3`.
  {{- else if and $disperse (lt $disperse (int $least)) }}
    - {{ .here }}: disperse {{ $disperse }} is too little for redundancy {{ $redundancy }}:
      use `disperse: {{ $least }}` or more, or less redundancy.
  {{- end }}
{{- end }}

{{- define "glusterfs.validate.options" }}
  {{- $here := printf "volumes[%d].options (%s)" .i .volume.name }}
  {{- range $key, $value := .volume.options }}
    {{- if eq $key "group" }}
      - {{ $here }}: group is a list of options, not an option: list what it stands for instead.
    {{- else if has $key (list "client.ssl" "server.ssl") }}
      - {{ $here }}: {{ $key }} is what `tls.enabled` says, of all volumes: leave it out.
    {{- else if not (regexMatch `^[A-Za-z0-9][A-Za-z0-9_.*-]*$` $key) }}
      - {{ $here }}: "{{ $key }}" is no name of an option: write it like performance.cache-size.
    {{- else if and (kindIs "string" $value) (not (regexMatch `^[!-~]+$` (toString $value))) }}
      - {{ $here }}: gluster takes no value "{{ $value }}" for {{ $key }}:
        use one word of plain characters, or leave the option out for gluster's default.
    {{- end }}
  {{- end }}
{{- end }}

{{/* A volume's type in gluster's own words, such as "replica 3" or "disperse 3 redundancy 1". */}}
{{- define "glusterfs.typeWords" -}}
  {{- $volume := . -}}
  {{- $words := list -}}
  {{- range list "replica" "arbiter" "disperse" "redundancy" -}}
    {{- if get $volume . -}}
      {{- $words = append $words (printf "%s %d" . (get $volume . | int)) -}}
    {{- end -}}
  {{- end -}}
  {{- join " " $words | default "distributed" -}}
{{- end -}}

{{/* How many bricks a set of a volume has, if its type makes sense. */}}
{{- define "glusterfs.setSize" -}}
  {{- if .arbiter -}}
    3
  {{- else -}}
    {{- or (int .disperse) (int .replica) 1 -}}
  {{- end -}}
{{- end -}}
