{{/* Problems of `statePath`, `bricks`, `clusterDomain` and `nodes`, given the values. As hooks/values/nodes.py. */}}
{{- define "glusterfs.validate.nodes" }}
  {{- $values := . }}
  {{- $state := .statePath }}
  {{- if not (include "glusterfs.isPlainPath" $state) }}
    - statePath: {{ $state }} {{ include "glusterfs.plainPathWanted" . }}, such as /var/lib/glusterd.
  {{- end }}
  {{- include "glusterfs.validate.brickDirectories" (dict "where" "bricks" "name" "" "paths" .bricks "state" $state) }}
  {{- if not (regexMatch (include "glusterfs.dnsName" .) .clusterDomain) }}
    - clusterDomain: {{ .clusterDomain }} is no DNS domain:
      take what follows `svc.` on the search line of a pod's /etc/resolv.conf, such as cluster.local.
  {{- end }}
  {{- if not .nodes }}
    - nodes: there is none: list the nodes that hold bricks, such as `nodes: [{name: worker-1}]`.
  {{- end }}
  {{- $drained := true }}
  {{- range .nodes }}
    {{- $drained = and $drained (eq (toString .state) "drained") }}
  {{- end }}
  {{- if and .nodes $drained }}
    - nodes: all are drained: a pool needs nodes to stay on.
  {{- end }}
  {{- $names := dict }}
  {{- $addresses := dict }}
  {{- $selectors := dict }}
  {{- range $i, $node := .nodes }}
    {{- $here := printf "nodes[%d] (%s)" $i .name }}
    {{- if hasKey $names .name }}
      - {{ $here }}: {{ get $names .name }} has this name too: remove one of them, a node is listed once.
    {{- else }}
      {{- $_ := set $names .name (printf "nodes[%d]" $i) }}
      {{- if not (regexMatch (include "glusterfs.dnsName" .) .name) }}
        - {{ $here }}: this is no name of a Kubernetes node: take it from `kubectl get nodes`.
      {{- end }}
      {{- if and .address (not $values.hostNetwork) }}
        - {{ $here }}: address {{ .address }} goes with the hosts' network, but with `hostNetwork: false`
          the name of its pod is a peer's address: leave it out.
      {{- else if .address }}
        {{- include "glusterfs.validate.address" (dict "here" $here "address" .address "taken" $addresses) }}
      {{- end }}
      {{- include "glusterfs.validate.nodeSelector" (dict "here" $here "node" . "taken" $selectors) }}
      {{- if hasKey . "bricks" }}
        {{- $where := printf "nodes[%d].bricks" $i }}
        {{- $name := printf " (%s)" .name }}
        {{- include "glusterfs.validate.brickDirectories" (dict
              "where" $where "name" $name "paths" .bricks "state" $state) }}
      {{- end }}
    {{- end }}
  {{- end }}
{{- end }}

{{/* Given `here`, `address` and `taken`, the addresses so far with their nodes, to which a good one is added. */}}
{{- define "glusterfs.validate.address" }}
  {{- $wanted := ternary "glusterfs.ipv4" "glusterfs.dnsName" (regexMatch `^[0-9.]+$` .address) }}
  {{- if regexMatch `^(localhost(\..*)?|127\..*|0\.0\.0\.0|::1)$` .address }}
    - {{ .here }}: address {{ .address }} means each node itself, no other peer finds it:
      give the one that the others reach, or leave it out for the node's own.
  {{- else if not (regexMatch (include $wanted .) .address) }}
    - {{ .here }}: address {{ .address }} is neither an IPv4 address nor a DNS name:
      write it like 192.168.58.21 or worker-1.storage.example, without a port.
  {{- else if hasKey .taken .address }}
    - {{ .here }}: address {{ .address }} is that of {{ get .taken .address }} too: give each node its own.
  {{- else }}
    {{- $_ := set .taken .address .here }}
  {{- end }}
{{- end }}

{{/* Given `here`, `node` and `taken`, the selectors so far with their nodes, to which this one is added. */}}
{{- define "glusterfs.validate.nodeSelector" }}
  {{- if and (not .node.nodeSelector) (gt (len .node.name) 63) }}
    - {{ .here }}: a label holds at most 63 characters, so the name finds no node: add a nodeSelector.
  {{- end }}
  {{- $labels := list }}
  {{- range $key, $value := default (dict "kubernetes.io/hostname" .node.name) .node.nodeSelector }}
    {{- $labels = append $labels (printf "%s=%s" $key $value) }}
  {{- end }}
  {{- $selector := join "," $labels }}
  {{- if hasKey .taken $selector }}
    - {{ .here }}: nodeSelector {{ $selector }} is that of {{ get .taken $selector }} too,
      so both peers could land on one node: give each node a label of its own.
  {{- else }}
    {{- $_ := set .taken $selector .here }}
  {{- end }}
{{- end }}

{{/* Given `paths`, `where` they are listed, the `name` to show of a node, and `state`, the state folder. */}}
{{- define "glusterfs.validate.brickDirectories" }}
  {{- $where := .where }}
  {{- $name := .name }}
  {{- $paths := .paths }}
  {{- $state := .state }}
  {{- $system := print
        `^(/|/(bin|boot|dev|etc|lib|lib64|proc|run|sbin|sys|usr)(/.*)?`
        `|/var(/(cache|lib|log|tmp))?|/var/(run|lib/glusterd|log/glusterfs)(/.*)?)$`
  }}
  {{- range $i, $path := $paths }}
    {{- $here := printf "%s[%d]%s" $where $i $name }}
    {{- $other := "" }}
    {{- range $j, $earlier := slice $paths 0 $i }}
      {{- if and (not $other) (include "glusterfs.overlap" (list $path $earlier)) }}
        {{- $other = printf "%s[%d] %s" $where $j $earlier }}
      {{- end }}
    {{- end }}
    {{- if regexMatch $system $path }}
      - {{ $here }}: {{ $path }} belongs to the system: give bricks a directory such as /mnt/brick1.
    {{- else if not (include "glusterfs.isPlainPath" $path) }}
      - {{ $here }}: {{ $path }} {{ include "glusterfs.plainPathWanted" $ }}, such as /mnt/brick1.
    {{- else if include "glusterfs.overlap" (list $path $state) }}
      - {{ $here }}: {{ $path }} and statePath {{ $state }} lie one in the other: keep them apart.
    {{- else if $other }}
      - {{ $here }}: {{ $path }} and {{ $other }} lie one in the other: use directories side by side.
    {{- end }}
  {{- end }}
{{- end }}

{{- define "glusterfs.dnsName" -}}
  ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$
{{- end -}}

{{- define "glusterfs.ipv4" -}}
  {{- $octet := "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])" -}}
  {{- printf `^%s(\.%s){3}$` $octet $octet -}}
{{- end -}}
