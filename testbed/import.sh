#!/bin/bash
# Import image archives into a containerd root that no machine uses, with the containerd of the machines' tree.
# Runs in mount and process namespaces of its own. Usage: import.sh TREE ROOT ARCHIVE...
set -euo pipefail
tree=$1 root=$2
shift 2
mount --bind "$root" "$tree/var/lib/containerd"
mount --rbind /dev "$tree/dev"
mount -t proc proc "$tree/proc"
mount -t tmpfs tmpfs "$tree/run"
cat > "$tree/run/config.toml" <<'CONFIG'
version = 3
disabled_plugins = ["io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri", "io.containerd.nri.v1.nri"]
CONFIG
chroot "$tree" containerd --config /run/config.toml > "$root/import.log" 2>&1 &
until chroot "$tree" ctr version > /dev/null 2>&1; do
  kill -0 %1 || { cat "$root/import.log" >&2; exit 1; }
  sleep 0.1
done
for archive in "$@"; do
  chroot "$tree" ctr --namespace k8s.io images import --local - < "$archive" > /dev/null
done
kill %1
wait %1
rm "$root/import.log"
