{{/*
Which bricks a volume gets. hooks/values/bricks.py decides the same in Python: the hook makes volumes of these bricks,
and the chart refuses values that give a volume no good ones. tests/chart/test_bad_values.py holds the two against each
other, with the cases of tests/bad_values.yaml and with random values.

Given `volume` and `nodes`, it returns a JSON list of {node, path} in order. The bricks are those that `layout` lists.
Without it they are <brick directory>/<volume>: brick directories are the outer loop, nodes the inner one, and nodes
without the directory are left out. The list is then cut into sets of the size that the volume's type needs; what fills
no whole set at its end is left unused.
*/}}
{{- define "glusterfs.bricks" -}}
  {{- $volume := .volume -}}
  {{- $bricks := list -}}
  {{- range .volume.layout -}}
    {{- $parts := splitList ":" . -}}
    {{- $bricks = append $bricks (dict "node" (first $parts) "path" (last $parts)) -}}
  {{- end -}}
  {{- if not .volume.layout -}}
    {{- $directories := .nodes.directories -}}
    {{- $participants := include "glusterfs.participants" . | fromJson -}}
    {{- range $directory := default $participants.directories .volume.bricks -}}
      {{- range $name := $participants.nodes -}}
        {{- if has $directory (get $directories $name) -}}
          {{- $path := printf "%s/%s" $directory $volume.name -}}
          {{- $bricks = append $bricks (dict "node" $name "path" $path) -}}
        {{- end -}}
      {{- end -}}
    {{- end -}}
  {{- end -}}
  {{- toJson $bricks -}}
{{- end -}}

{{/*
The nodes of the values as JSON: `names` in order, each name's `directories` for bricks, and the `drained` names. Of two
nodes with one name the first counts.
*/}}
{{- define "glusterfs.nodes" -}}
  {{- $common := .bricks -}}
  {{- $names := list -}}
  {{- $directories := dict -}}
  {{- $drained := list -}}
  {{- range .nodes -}}
    {{- if not (hasKey $directories .name) -}}
      {{- $names = append $names .name -}}
      {{- $_ := set $directories .name (ternary .bricks $common (hasKey . "bricks")) -}}
      {{- if eq (toString .state) "drained" -}}
        {{- $drained = append $drained .name -}}
      {{- end -}}
    {{- end -}}
  {{- end -}}
  {{- dict "names" $names "directories" $directories "drained" $drained | toJson -}}
{{- end -}}

{{/*
The `nodes` that take part in a volume without a layout, in order, and the brick `directories` that they have, as JSON,
given `volume` and `nodes`.
*/}}
{{- define "glusterfs.participants" -}}
  {{- $nodes := .nodes -}}
  {{- $names := list -}}
  {{- $directories := list -}}
  {{- range default .nodes.names .volume.nodes -}}
    {{- if and (hasKey $nodes.directories .) (not (has . $nodes.drained)) -}}
      {{- $names = append $names . -}}
      {{- $directories = concat $directories (get $nodes.directories .) -}}
    {{- end -}}
  {{- end -}}
  {{- dict "nodes" $names "directories" (uniq $directories) | toJson -}}
{{- end -}}

{{/* Why a volume's bricks cannot be known, given `i`, `here`, `volume`, `size` of a set (0: unknown) and `nodes`. */}}
{{- define "glusterfs.validate.bricks" }}
  {{- if .volume.layout }}
    {{- include "glusterfs.validate.layout" . }}
  {{- else }}
    {{- include "glusterfs.validate.participants" . }}
  {{- end }}
{{- end }}

{{- define "glusterfs.validate.layout" }}
  {{- $one := . }}
  {{- $layout := .volume.layout }}
  {{- if or .volume.nodes .volume.bricks }}
    - {{ .here }}: layout names the exact bricks: leave out nodes and bricks, or leave out layout.
  {{- end }}
  {{- range $j, $entry := $layout }}
    {{- $here := printf "volumes[%d].layout[%d] (%s)" $one.i $j $one.volume.name }}
    {{- include "glusterfs.validate.layoutEntry" (dict
          "here" $here "entry" $entry "nodes" $one.nodes "volume" $one.volume.name) }}
  {{- end }}
  {{- if .size }}
    {{- $over := mod (len $layout) .size | int }}
    {{- if $over }}
      {{- $less := sub (len $layout) $over }}
      {{- $enough := ternary (printf "%d or %d" $less (add $less .size)) (toString .size) (gt $less 0) }}
    - {{ .here }}: layout has {{ include "glusterfs.amount" (list (len $layout) "brick") }}, but
      {{ include "glusterfs.typeWords" .volume }} takes {{ .size }} at a time: list {{ $enough }}.
    {{- end }}
  {{- end }}
{{- end }}

{{- define "glusterfs.validate.layoutEntry" }}
  {{- if not (regexMatch `^[^:]+:[^:]+$` .entry) }}
    - {{ .here }}: {{ .entry }} is no <node>:<directory>: write it like worker-1:/mnt/brick1/{{ .volume }}.
  {{- else }}
    {{- $name := splitList ":" .entry | first }}
    {{- $path := splitList ":" .entry | last }}
    {{- $directories := get .nodes.directories $name | default list }}
    {{- $inside := false }}
    {{- range $directories }}
      {{- $inside = or $inside (hasPrefix (printf "%s/" .) $path) }}
    {{- end }}
    {{- if not (hasKey .nodes.directories $name) }}
      {{- include "glusterfs.validate.noSuchNode" (dict "here" .here "name" $name "names" .nodes.names) }}
    {{- else if has $name .nodes.drained }}
      - {{ .here }}: {{ $name }} is drained: name a brick of another node.
    {{- else if not (include "glusterfs.isPlainPath" $path) }}
      - {{ .here }}: {{ $path }} {{ include "glusterfs.plainPathWanted" . }}, such as /mnt/brick1/{{ .volume }}.
    {{- else if has $path $directories }}
      - {{ .here }}: {{ $path }} is the whole brick directory: use a folder in it, such as {{ $path }}/{{ .volume }}.
    {{- else if not $inside }}
      - {{ .here }}: {{ $path }} lies in no brick directory of {{ $name }}:
        use a folder in one of those it has ({{ include "glusterfs.joined" $directories | default "none" }}).
    {{- end }}
  {{- end }}
{{- end }}

{{/* Of a volume without a layout: nodes that are not listed, and brick directories that none of its nodes has. */}}
{{- define "glusterfs.validate.participants" }}
  {{- $one := . }}
  {{- range .volume.nodes }}
    {{- if not (hasKey $one.nodes.directories .) }}
      {{- include "glusterfs.validate.noSuchNode" (dict "here" $one.here "name" . "names" $one.nodes.names) }}
    {{- end }}
  {{- end }}
  {{- if .volume.bricks }}
    {{- $present := (include "glusterfs.participants" . | fromJson).directories }}
    {{- range .volume.bricks }}
      {{- if not (has . $present) }}
    - {{ $one.here }}: none of its nodes has the brick directory {{ . }}:
      add it to their bricks or use those there are ({{ include "glusterfs.joined" $present | default "none" }}).
      {{- end }}
    {{- end }}
  {{- end }}
{{- end }}

{{- define "glusterfs.validate.noSuchNode" }}
    - {{ .here }}: {{ .name }} is not in `nodes`: correct the name or add the node;
      there are {{ include "glusterfs.joined" .names }}.
{{- end }}

{{/* Whether the `bricks` of a volume make sets whose bricks are on different nodes, given also `one`, as above. */}}
{{- define "glusterfs.validate.sets" }}
  {{- $one := .one }}
  {{- $size := .one.size }}
  {{- $type := include "glusterfs.typeWords" .one.volume }}
  {{- $holders := list }}
  {{- range .bricks }}
    {{- $holders = append $holders .node }}
  {{- end }}
  {{- $holders = uniq $holders }}
  {{- $count := len $holders }}
  {{- if not $holders }}
    - {{ $one.here }}: none of its nodes has a brick directory: list some in `bricks`.
  {{- else if and (lt $count $size) (not $one.volume.layout) }}
    {{- $subject := printf "nodes %s give" (include "glusterfs.joined" $holders) }}
    {{- if eq $count 1 }}
      {{- $subject = printf "node %s gives" (first $holders) }}
    {{- end }}
    {{- $remedy := printf "add %s" (include "glusterfs.amount" (list (sub $size $count) "node")) }}
    {{- if and $one.volume.replica (not $one.volume.arbiter) (gt $count 1) }}
      {{- $remedy = printf "%s or use replica %d" $remedy $count }}
    {{- end }}
    - {{ $one.here }}: {{ $type }} needs {{ $size }} bricks on different nodes,
      but {{ $subject }} {{ $count }}: {{ $remedy }}.
  {{- else }}
    {{- $remedy := "list `layout` in an order that works, or change nodes or bricks." }}
    {{- if $one.volume.layout }}
      {{- $remedy = "put them into different sets or on different nodes." }}
    {{- end }}
    {{- $whole := sub (len .bricks) (mod (len .bricks) $size) }}
    {{- $holder := dict }}
    {{- $found := false }}
    {{- range $i, $brick := slice .bricks 0 $whole }}
      {{- if not (mod $i $size) }}
        {{- $holder = dict }}
      {{- end }}
      {{- if and (hasKey $holder .node) (not $found) }}
        {{- $found = true }}
    - {{ $one.here }}: set {{ div $i $size | add 1 }} of {{ $type }} has two bricks on {{ .node }},
      {{ get $holder .node }} and {{ .path }}, and would lose both with it: {{ $remedy }}
      {{- end }}
      {{- $_ := set $holder .node .path }}
    {{- end }}
  {{- end }}
{{- end }}

{{/*
No brick may have the folder of another one, or lie inside it. Given `here` and `bricks`; `folders` has the bricks so
far and `parents` all folders above them, each with its brick: these are added.
*/}}
{{- define "glusterfs.validate.folders" }}
  {{- $here := .here }}
  {{- $folders := .folders }}
  {{- $parents := .parents }}
  {{- range .bricks }}
    {{- $node := .node }}
    {{- $brick := printf "%s:%s" $node .path }}
    {{- $folder := .path }}
    {{- $above := list }}
    {{- range splitList "/" .path | rest }}
      {{- $folder = dir $folder }}
      {{- $above = append $above (printf "%s:%s" $node $folder) }}
    {{- end }}
    {{- $taken := get $folders $brick }}
    {{- range $above }}
      {{- $taken = $taken | default (get $folders .) }}
    {{- end }}
    {{- $taken = $taken | default (get $parents $brick) }}
    {{- if $taken }}
    - {{ $here }}: brick {{ $brick }} shares its folder with {{ $taken }}: give each brick a folder of its own.
    {{- else }}
      {{- $owner := printf "%s of %s" $brick $here }}
      {{- $_ := set $folders $brick $owner }}
      {{- range $above }}
        {{- if not (hasKey $parents .) }}
          {{- $_ := set $parents . $owner }}
        {{- end }}
      {{- end }}
    {{- end }}
  {{- end }}
{{- end }}
