#!/bin/bash
# The first process of a machine: a node, or the control plane. It starts in namespaces of its own, on the host's file
# system; it puts the machine's root together, moves into it, and keeps the services of etc/testbed/services running.
# Usage: init.sh FOLDER TREE PROGRAMS
# FOLDER holds what is this machine's own, TREE is the file system that all share, PROGRAMS is seen as /opt/kubernetes.
set -euo pipefail
folder=$1 tree=$2 programs=$3 root=$1/root
hostname "$(<"$folder/etc/hostname")"

# Root: an overlay. What overlays and kubelet put on top of it lies on the real file system of the cache folder.
mkdir -p "$root" "$folder"/{upper,work}
mount -t overlay overlay -o "lowerdir=$tree,upperdir=$folder/upper,workdir=$folder/work" "$root"
for name in cni containerd etcd glusterd kubelet; do
  mkdir -p "$folder/disk/$name"
  mount --bind "$folder/disk/$name" "$root/var/lib/$name"
done
mkdir -p "$folder/disk/log"
mount --bind "$folder/disk/log" "$root/var/log"
mount --bind "$programs" "$root/opt/kubernetes"
cp -r "$folder/etc/." "$root/etc/"

mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/dev/shm"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"

# Bricks. `-o loop` frees the loop device with the last mount of it, so it goes with this mount namespace however that ends.
for image in "$folder"/bricks/*.img; do
  [ -e "$image" ] && mount -o loop "$image" "$root/mnt/$(basename "$image" .img)"
done

if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
  # For kubelet's groups. It takes that no process is in the top group itself: see cgroups.py.
  sed 's/[^ ]*/+&/g' "$root/sys/fs/cgroup/cgroup.controllers" > "$root/sys/fs/cgroup/cgroup.subtree_control"
else
  mount -t tmpfs -o mode=755 tmpfs "$root/sys/fs/cgroup"
  for name in blkio cpu cpuacct cpuset devices freezer memory pids systemd; do
    mkdir "$root/sys/fs/cgroup/$name"
    options=$name
    [ $name = systemd ] && options=none,name=systemd
    mount -t cgroup -o "$options" cgroup "$root/sys/fs/cgroup/$name"
  done
fi

# kubelet writes these machine-wide settings when they differ: it is shown files of its own that hold what it wants.
mkdir "$root/run/sysctl"
for setting in kernel/panic=10 kernel/panic_on_oops=1 vm/overcommit_memory=1; do
  file=$root/run/sysctl/$(basename "${setting%=*}")
  echo "${setting#*=}" > "$file"
  mount --bind "$file" "$root/proc/sys/${setting%=*}"
done
# Traffic between pods of one node has to pass the rules of services. Some kernels have that as a module.
[ -e /proc/sys/net/bridge ] || modprobe --quiet br_netfilter || true
if [ -e /proc/sys/net/bridge ]; then echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables; fi

cd "$root"
pivot_root . old-root
umount -l /old-root  # never share the host's mounts: a copy of a mount keeps it busy
mount --make-rshared /

export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
ulimit -n "$(ulimit -Hn)"

service() {
  local name=$1
  shift
  while :; do
    "$@" < /dev/null >> "/var/log/$name.log" 2>&1 || true
    echo "-- $name has ended, and is started again in a second" >> "/var/log/$name.log"
    sleep 1
  done &
}
set +e
# shellcheck source=/dev/null
. /etc/testbed/services
touch /run/testbed-ready
while :; do wait; sleep 1; done
