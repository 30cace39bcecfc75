{{/*
What the schema cannot say about values. Every problem is a sentence on what is wrong and one on what to do; all are
collected in $check.problems and shown at once. hooks/values/nodes.py, volumes.py and claims.py say the same in the same words and order:
whoever changes a sentence here changes it there too.
*/}}

{{- define "glusterfs.validate" -}}
{{- $check := dict "problems" list "values" .Values "names" list "nodes" dict "folders" dict "parents" dict -}}
{{- include "glusterfs.checkNodes" $check -}}
{{- include "glusterfs.checkVolumes" $check -}}
{{- include "glusterfs.checkClaims" $check -}}
{{- include "glusterfs.checkExports" $check -}}
{{- if $check.problems -}}
{{- printf "\n\nThese values cannot be used:\n- %s\n" (join "\n- " $check.problems) | fail -}}
{{- end -}}
{{- end -}}

{{- define "glusterfs.checkNodes" -}}
{{- $check := . -}}
{{- $values := .values -}}
{{- if not (include "glusterfs.isPlainPath" $values.statePath) -}}
{{- include "glusterfs.say" (list . (printf "statePath: %s %s, such as /var/lib/glusterd." $values.statePath (include "glusterfs.plainPathWanted" .))) -}}
{{- end -}}
{{- include "glusterfs.checkBricks" (dict "check" . "where" "bricks" "name" "" "paths" $values.bricks) -}}
{{- if not (regexMatch (include "glusterfs.dnsName" .) $values.clusterDomain) -}}
{{- include "glusterfs.say" (list . (printf "clusterDomain: %s is no DNS domain: take what follows `svc.` on the search line of a pod's /etc/resolv.conf, such as cluster.local." $values.clusterDomain)) -}}
{{- end -}}
{{- if not $values.nodes -}}
{{- include "glusterfs.say" (list . (printf "nodes: there is none: list the nodes that hold bricks, such as `nodes: [{name: worker-1}]`.")) -}}
{{- end -}}
{{- $drained := true -}}
{{- range $values.nodes -}}
{{- $drained = and $drained (eq (toString .state) "drained") -}}
{{- end -}}
{{- if and $values.nodes $drained -}}
{{- include "glusterfs.say" (list . "nodes: all are drained: a pool needs nodes to stay on.") -}}
{{- end -}}
{{- $addresses := dict -}}
{{- $selectors := dict -}}
{{- range $i, $node := $values.nodes -}}
{{- $here := printf "nodes[%d] (%s)" $i .name -}}
{{- if hasKey $check.nodes .name -}}
{{- include "glusterfs.say" (list $check (printf "%s: %s has this name too: remove one of them, a node is listed once." $here (get $check.nodes .name).here)) -}}
{{- else -}}
{{- $bricks := ternary .bricks $values.bricks (hasKey . "bricks") -}}
{{- $_ := set $check.nodes .name (dict "bricks" $bricks "drained" (eq (toString .state) "drained") "here" (printf "nodes[%d]" $i)) -}}
{{- $_ := set $check "names" (append $check.names .name) -}}
{{- if not (regexMatch (include "glusterfs.dnsName" .) .name) -}}
{{- include "glusterfs.say" (list $check (printf "%s: this is no name of a Kubernetes node: take it from `kubectl get nodes`." $here)) -}}
{{- end -}}
{{- with .address -}}
{{- include "glusterfs.checkAddress" (dict "check" $check "here" $here "address" . "taken" $addresses) -}}
{{- end -}}
{{- if and (not .nodeSelector) (gt (len .name) 63) -}}
{{- include "glusterfs.say" (list $check (printf "%s: a label holds at most 63 characters, so the name finds no node: add a nodeSelector." $here)) -}}
{{- end -}}
{{- $labels := list -}}
{{- range $key, $value := default (dict "kubernetes.io/hostname" .name) .nodeSelector -}}
{{- $labels = append $labels (printf "%s=%s" $key $value) -}}
{{- end -}}
{{- $selector := join "," $labels -}}
{{- if hasKey $selectors $selector -}}
{{- include "glusterfs.say" (list $check (printf "%s: nodeSelector %s is that of %s too, so both peers could land on one node: give each node a label of its own." $here $selector (get $selectors $selector))) -}}
{{- else -}}
{{- $_ := set $selectors $selector $here -}}
{{- end -}}
{{- if hasKey . "bricks" -}}
{{- include "glusterfs.checkBricks" (dict "check" $check "where" (printf "nodes[%d].bricks" $i) "name" (printf " (%s)" .name) "paths" .bricks) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "glusterfs.checkAddress" -}}
{{- if not .check.values.hostNetwork -}}
{{- include "glusterfs.say" (list .check (printf "%s: address %s goes with the hosts' network, but with `hostNetwork: false` the name of its pod is a peer's address: leave it out." .here .address)) -}}
{{- else if regexMatch `^(localhost(\..*)?|127\..*|0\.0\.0\.0|::1)$` .address -}}
{{- include "glusterfs.say" (list .check (printf "%s: address %s means each node itself, no other peer finds it: give the one that the others reach, or leave it out for the node's own." .here .address)) -}}
{{- else if not (regexMatch (include (ternary "glusterfs.ipv4" "glusterfs.dnsName" (regexMatch `^[0-9.]+$` .address)) .) .address) -}}
{{- include "glusterfs.say" (list .check (printf "%s: address %s is neither an IPv4 address nor a DNS name: write it like 192.168.58.21 or worker-1.storage.example, without a port." .here .address)) -}}
{{- else if hasKey .taken .address -}}
{{- include "glusterfs.say" (list .check (printf "%s: address %s is that of %s too: give each node its own." .here .address (get .taken .address))) -}}
{{- else -}}
{{- $_ := set .taken .address .here -}}
{{- end -}}
{{- end -}}

{{- define "glusterfs.checkBricks" -}}
{{- $check := .check -}}
{{- $where := .where -}}
{{- $name := .name -}}
{{- $earlier := list -}}
{{- $state := $check.values.statePath -}}
{{- range $i, $path := .paths -}}
{{- $here := printf "%s[%d]%s" $where $i $name -}}
{{- $other := "" -}}
{{- range $j, $one := $earlier -}}
{{- if and (not $other) (include "glusterfs.overlap" (list $path $one)) -}}
{{- $other = printf "%s[%d] %s" $where $j $one -}}
{{- end -}}
{{- end -}}
{{- $earlier = append $earlier $path -}}
{{- if regexMatch `^(/|/(bin|boot|dev|etc|lib|lib64|proc|run|sbin|sys|usr)(/.*)?|/var(/(cache|lib|log|tmp))?|/var/(run|lib/glusterd|log/glusterfs)(/.*)?)$` $path -}}
{{- include "glusterfs.say" (list $check (printf "%s: %s belongs to the system: give bricks a directory such as /mnt/brick1." $here $path)) -}}
{{- else if not (include "glusterfs.isPlainPath" $path) -}}
{{- include "glusterfs.say" (list $check (printf "%s: %s %s, such as /mnt/brick1." $here $path (include "glusterfs.plainPathWanted" $check))) -}}
{{- else if include "glusterfs.overlap" (list $path $state) -}}
{{- include "glusterfs.say" (list $check (printf "%s: %s and statePath %s lie one in the other: keep them apart." $here $path $state)) -}}
{{- else if $other -}}
{{- include "glusterfs.say" (list $check (printf "%s: %s and %s lie one in the other: use directories side by side." $here $path $other)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "glusterfs.checkVolumes" -}}
{{- $check := . -}}
{{- $names := dict -}}
{{- range $i, $volume := .values.volumes -}}
{{- $here := printf "volumes[%d] (%s)" $i .name -}}
{{- if not (regexMatch `^[A-Za-z0-9][A-Za-z0-9_-]*$` .name) -}}
{{- include "glusterfs.say" (list $check (printf "%s: gluster takes no such name: use letters, digits, _ and -, a letter or digit first." $here)) -}}
{{- end -}}
{{- if eq .name "all" -}}
{{- include "glusterfs.say" (list $check (printf "%s: `all` means every volume to gluster: choose another name." $here)) -}}
{{- end -}}
{{- $deleted := eq (toString .state) "deleted" -}}
{{- if and $deleted (ne (toString .confirm) "yes-really-destroy-data") -}}
{{- include "glusterfs.say" (list $check (printf "%s: `state: deleted` destroys its data: add `confirm: yes-really-destroy-data`, or leave `state` out to keep it." $here)) -}}
{{- else if and (not $deleted) (hasKey . "confirm") -}}
{{- include "glusterfs.say" (list $check (printf "%s: confirm goes with `state: deleted`: leave it out." $here)) -}}
{{- end -}}
{{- $one := dict "check" $check "volume" . "i" $i "here" $here "size" 0 "bricks" list -}}
{{- /* Bricks of a volume that is to be deleted are what the pool says. */ -}}
{{- if not $deleted -}}
{{- include "glusterfs.checkType" $one -}}
{{- include "glusterfs.checkOptions" $one -}}
{{- if and $check.names .layout -}}
{{- include "glusterfs.checkLayout" $one -}}
{{- else if $check.names -}}
{{- include "glusterfs.checkCut" $one -}}
{{- end -}}
{{- end -}}
{{- if hasKey $names .name -}}
{{- include "glusterfs.say" (list $check (printf "%s: %s has this name too: give each volume its own." $here (get $names .name))) -}}
{{- else -}}
{{- $_ := set $names .name (printf "volumes[%d]" $i) -}}
{{- include "glusterfs.checkFolders" $one -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Sets .size to the number of bricks in a set; it stays 0 when the volume's type makes no sense. */}}
{{- define "glusterfs.checkType" -}}
{{- $replica := int .volume.replica -}}
{{- $arbiter := int .volume.arbiter -}}
{{- $disperse := int .volume.disperse -}}
{{- $redundancy := int .volume.redundancy -}}
{{- if and $replica (or $disperse $redundancy) -}}
{{- include "glusterfs.say" (list .check (printf "%s: replica and disperse are two types of volume: leave one out." .here)) -}}
{{- else if and $arbiter (not $replica) -}}
{{- include "glusterfs.say" (list .check (printf "%s: arbiter needs replica: add `replica: 2`." .here)) -}}
{{- else if and $arbiter (gt $replica 3) -}}
{{- include "glusterfs.say" (list .check (printf "%s: an arbiter goes with two copies, not with replica %d: use `replica: 2`." .here $replica)) -}}
{{- else if and $disperse (not $redundancy) -}}
{{- include "glusterfs.say" (list .check (printf "%s: disperse needs redundancy: say how many bricks of a set may fail: add `redundancy: 1`." .here)) -}}
{{- else if and $redundancy (not $disperse) -}}
{{- include "glusterfs.say" (list .check (printf "%s: redundancy needs disperse: say how many bricks a set has: add `disperse: 3`." .here)) -}}
{{- else if and $disperse (le $disperse (mul 2 $redundancy | int)) -}}
{{- include "glusterfs.say" (list .check (printf "%s: disperse %d is too little for redundancy %d: use `disperse: %d` or more, or less redundancy." .here $disperse $redundancy (mul 2 $redundancy | add 1))) -}}
{{- else -}}
{{- $_ := set . "size" (ternary 3 (or $disperse $replica 1) (gt $arbiter 0)) -}}
{{- end -}}
{{- end -}}

{{- define "glusterfs.checkOptions" -}}
{{- $check := .check -}}
{{- $here := printf "volumes[%d].options (%s)" .i .volume.name -}}
{{- range $key, $value := .volume.options -}}
{{- if eq $key "group" -}}
{{- include "glusterfs.say" (list $check (printf "%s: group is a list of options, not an option: list what it stands for instead." $here)) -}}
{{- else if has $key (list "client.ssl" "server.ssl") -}}
{{- include "glusterfs.say" (list $check (printf "%s: %s is what `tls.enabled` says, of all volumes: leave it out." $here $key)) -}}
{{- else if not (regexMatch `^[A-Za-z0-9][A-Za-z0-9_.*-]*$` $key) -}}
{{- include "glusterfs.say" (list $check (printf "%s: \"%s\" is no name of an option: write it like performance.cache-size." $here $key)) -}}
{{- else if and (kindIs "string" $value) (not (regexMatch `^[!-~]+$` (toString $value))) -}}
{{- include "glusterfs.say" (list $check (printf "%s: gluster takes no value \"%s\" for %s: use one word of plain characters, or leave the option out for gluster's default." $here $value $key)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "glusterfs.checkLayout" -}}
{{- $one := . -}}
{{- $kind := include "glusterfs.kind" .volume -}}
{{- $before := len .check.problems -}}
{{- $layout := .volume.layout -}}
{{- if or .volume.nodes .volume.bricks -}}
{{- include "glusterfs.say" (list .check (printf "%s: layout names the exact bricks: leave out nodes and bricks, or leave out layout." .here)) -}}
{{- end -}}
{{- range $j, $entry := $layout -}}
{{- $here := printf "volumes[%d].layout[%d] (%s)" $one.i $j $one.volume.name -}}
{{- include "glusterfs.checkLayoutEntry" (dict "check" $one.check "here" $here "entry" $entry "volume" $one.volume.name) -}}
{{- end -}}
{{- if .size -}}
{{- $over := mod (len $layout) .size | int -}}
{{- if $over -}}
{{- $less := sub (len $layout) $over -}}
{{- $enough := ternary (printf "%d or %d" $less (add $less .size)) (toString .size) (gt $less 0) -}}
{{- include "glusterfs.say" (list .check (printf "%s: layout has %s, but %s takes %d at a time: list %s." .here (include "glusterfs.count" (list (len $layout) "brick")) $kind .size $enough)) -}}
{{- end -}}
{{- if eq (len .check.problems) $before -}}
{{- $bricks := list -}}
{{- range $layout -}}
{{- $parts := splitList ":" . -}}
{{- $bricks = append $bricks (dict "node" (first $parts) "path" (last $parts)) -}}
{{- end -}}
{{- $_ := set . "bricks" $bricks -}}
{{- include "glusterfs.checkSets" (list . $kind "put them into different sets or on different nodes.") -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "glusterfs.checkLayoutEntry" -}}
{{- if not (regexMatch `^[^:]+:[^:]+$` .entry) -}}
{{- include "glusterfs.say" (list .check (printf "%s: %s is no <node>:<directory>: write it like worker-1:/mnt/brick1/%s." .here .entry .volume)) -}}
{{- else -}}
{{- $name := splitList ":" .entry | first -}}
{{- $path := splitList ":" .entry | last -}}
{{- $node := get .check.nodes $name -}}
{{- if not $node -}}
{{- include "glusterfs.say" (list .check (printf "%s: %s is not in `nodes`: correct the name or add the node; there are %s." .here $name (include "glusterfs.and" .check.names))) -}}
{{- else if $node.drained -}}
{{- include "glusterfs.say" (list .check (printf "%s: %s is drained: name a brick of another node." .here $name)) -}}
{{- else if not (include "glusterfs.isPlainPath" $path) -}}
{{- include "glusterfs.say" (list .check (printf "%s: %s %s, such as /mnt/brick1/%s." .here $path (include "glusterfs.plainPathWanted" .) .volume)) -}}
{{- else if has $path $node.bricks -}}
{{- include "glusterfs.say" (list .check (printf "%s: %s is the whole brick directory: use a folder in it, such as %s/%s." .here $path $path .volume)) -}}
{{- else -}}
{{- $inside := false -}}
{{- range $node.bricks -}}
{{- $inside = or $inside (hasPrefix (printf "%s/" .) $path) -}}
{{- end -}}
{{- if not $inside -}}
{{- include "glusterfs.say" (list .check (printf "%s: %s lies in no brick directory of %s: use a folder in one of those it has (%s)." .here $path $name (include "glusterfs.and" $node.bricks | default "none"))) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Bricks of a volume without a layout: brick directories (outer loop) by nodes (inner loop). */}}
{{- define "glusterfs.checkCut" -}}
{{- $one := . -}}
{{- $check := .check -}}
{{- $kind := include "glusterfs.kind" .volume -}}
{{- $before := len $check.problems -}}
{{- $chosen := list -}}
{{- $present := list -}}
{{- range default $check.names .volume.nodes -}}
{{- if and (hasKey $check.nodes .) (get $check.nodes .).drained -}}
{{- else if hasKey $check.nodes . -}}
{{- $chosen = append $chosen . -}}
{{- $present = concat $present (get $check.nodes .).bricks | uniq -}}
{{- else -}}
{{- include "glusterfs.say" (list $check (printf "%s: %s is not in `nodes`: correct the name or add the node; there are %s." $one.here . (include "glusterfs.and" $check.names))) -}}
{{- end -}}
{{- end -}}
{{- $paths := default $present .volume.bricks -}}
{{- range $paths -}}
{{- if not (has . $present) -}}
{{- include "glusterfs.say" (list $check (printf "%s: none of its nodes has the brick directory %s: add it to their bricks or use those there are (%s)." $one.here . (include "glusterfs.and" $present | default "none"))) -}}
{{- end -}}
{{- end -}}
{{- if and .size (eq (len $check.problems) $before) -}}
{{- $bricks := list -}}
{{- $holders := list -}}
{{- range $path := $paths -}}
{{- range $name := $chosen -}}
{{- if has $path (get $check.nodes $name).bricks -}}
{{- $bricks = append $bricks (dict "node" $name "path" (printf "%s/%s" $path $one.volume.name)) -}}
{{- $holders = append $holders $name | uniq -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $_ := set . "bricks" $bricks -}}
{{- $count := len $holders -}}
{{- if not $holders -}}
{{- include "glusterfs.say" (list $check (printf "%s: none of its nodes has a brick directory: list some in `bricks`." .here)) -}}
{{- else if lt $count .size -}}
{{- $subject := printf (ternary "node %s gives" "nodes %s give" (eq $count 1)) (include "glusterfs.and" $holders) -}}
{{- $remedy := printf "add %s" (include "glusterfs.count" (list (sub .size $count) "node")) -}}
{{- if and .volume.replica (not .volume.arbiter) (gt $count 1) -}}
{{- $remedy = printf "%s or use replica %d" $remedy $count -}}
{{- end -}}
{{- include "glusterfs.say" (list $check (printf "%s: %s needs %d bricks on different nodes, but %s %d: %s." .here $kind .size $subject $count $remedy)) -}}
{{- else -}}
{{- include "glusterfs.checkSets" (list . $kind "list `layout` in an order that works, or change nodes or bricks.") -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* No node may hold two bricks of one set; the first such set is named. */}}
{{- define "glusterfs.checkSets" -}}
{{- $one := first . -}}
{{- $kind := index . 1 -}}
{{- $remedy := index . 2 -}}
{{- $holder := dict -}}
{{- $said := false -}}
{{- range $i, $brick := include "glusterfs.wholeSets" $one | fromJsonArray -}}
{{- if not (mod $i $one.size) -}}
{{- $holder = dict -}}
{{- end -}}
{{- if and (hasKey $holder .node) (not $said) -}}
{{- $said = true -}}
{{- include "glusterfs.say" (list $one.check (printf "%s: set %d of %s has two bricks on %s, %s and %s, and would lose both with it: %s" $one.here (div $i $one.size | add 1) $kind .node (get $holder .node) .path $remedy)) -}}
{{- end -}}
{{- $_ := set $holder .node .path -}}
{{- end -}}
{{- end -}}

{{/* No brick may have the folder of another one or lie inside it. */}}
{{- define "glusterfs.checkFolders" -}}
{{- $one := . -}}
{{- $check := .check -}}
{{- range include "glusterfs.wholeSets" . | fromJsonArray -}}
{{- $brick := printf "%s:%s" .node .path -}}
{{- $above := list -}}
{{- $folder := .path -}}
{{- range untilStep (splitList "/" .path | len) 1 -1 -}}
{{- $folder = dir $folder -}}
{{- $above = append $above $folder -}}
{{- end -}}
{{- $taken := get $check.folders $brick -}}
{{- $node := .node -}}
{{- range $above -}}
{{- $taken = $taken | default (get $check.folders (printf "%s:%s" $node .)) -}}
{{- end -}}
{{- $taken = $taken | default (get $check.parents $brick) -}}
{{- if $taken -}}
{{- include "glusterfs.say" (list $check (printf "%s: brick %s shares its folder with %s: give each brick a folder of its own." $one.here $brick $taken)) -}}
{{- else -}}
{{- $owner := printf "%s of %s" $brick $one.here -}}
{{- $_ := set $check.folders $brick $owner -}}
{{- range $above -}}
{{- $folder := printf "%s:%s" $node . -}}
{{- $_ := set $check.parents $folder (get $check.parents $folder | default $owner) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "glusterfs.wholeSets" -}}
{{- $size := .size | default 1 -}}
{{- slice .bricks 0 (mul (div (len .bricks) $size) $size | int) | toJson -}}
{{- end -}}

{{- define "glusterfs.say" -}}
{{- $check := first . -}}
{{- $_ := set $check "problems" (append $check.problems (last .)) -}}
{{- end -}}

{{- define "glusterfs.isPlainPath" -}}
{{- if and (regexMatch `^(/[A-Za-z0-9._+@=-]+)+$` .) (not (regexMatch `/\.\.?(/|$)` .)) -}}
true
{{- end -}}
{{- end -}}

{{- define "glusterfs.plainPathWanted" -}}
is no plain absolute path: write letters, digits and any of ._+@=- between slashes, none at the end
{{- end -}}

{{- define "glusterfs.overlap" -}}
{{- $one := first . | printf "%s/" -}}
{{- $other := last . | printf "%s/" -}}
{{- if or (hasPrefix $one $other) (hasPrefix $other $one) -}}
true
{{- end -}}
{{- end -}}

{{- define "glusterfs.dnsName" -}}
^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$
{{- end -}}

{{- define "glusterfs.ipv4" -}}
{{- $octet := "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])" -}}
{{- printf `^%s(\.%s){3}$` $octet $octet -}}
{{- end -}}

{{/* A volume's type in gluster's own words. */}}
{{- define "glusterfs.kind" -}}
{{- $words := list -}}
{{- $volume := . -}}
{{- range list "replica" "arbiter" "disperse" "redundancy" -}}
{{- if get $volume . -}}
{{- $words = append $words (printf "%s %d" . (get $volume . | int)) -}}
{{- end -}}
{{- end -}}
{{- join " " $words | default "distributed" -}}
{{- end -}}

{{- define "glusterfs.count" -}}
{{- if eq (first .) 1 -}}
a {{ last . }}
{{- else -}}
{{ first . }} {{ last . }}s
{{- end -}}
{{- end -}}

{{/* "a", "a and b", "a, b and c" */}}
{{- define "glusterfs.and" -}}
{{- if gt (len .) 1 -}}
{{ initial . | join ", " }} and {{ last . }}
{{- else -}}
{{ join "" . }}
{{- end -}}
{{- end -}}
