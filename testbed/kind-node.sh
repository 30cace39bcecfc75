#!/bin/bash
# What a node that kind made does before its kubelet starts, at each boot, and when its storage cable is plugged in again.
# Usage: kind-node.sh BRICK-SIZE SUBNET ADDRESS
# SUBNET is what Docker calls the storage network, ADDRESS the node's own on it.
set -euo pipefail
size=$1 subnet=$2 address=$3

# Bricks: file systems of their own in files of /var, which is a volume of Docker's. kind's image has no mkfs.xfs.
# A node's /dev is a copy made when it started: the loop device that the kernel picks may not be in it.
for number in {0..255}; do
  [ -e "/dev/loop$number" ] || mknod "/dev/loop$number" b 7 "$number"
done
for brick in brick1 brick2; do
  image=/var/bricks/$brick.img
  mountpoint -q "/mnt/$brick" && continue
  mkdir -p /var/bricks "/mnt/$brick"
  if [ ! -e "$image" ]; then
    truncate -s "$size" "$image.draft"
    mkfs.ext4 -q -F -m 0 "$image.draft"
    mv "$image.draft" "$image"
  fi
  mount -o loop "$image" "/mnt/$brick"
done
mkdir -p /var/lib/glusterd

# The storage address lies over the one that Docker gives, for Docker wants other subnets for other clusters. So does the
# hardware address, by which peers find a node that booted at once.
# The cable is plugged in when the node runs already.
until device=$(ip -o -4 address show to "$subnet" | awk '{print $2}') && [ -n "$device" ]; do sleep 0.2; done
IFS=. read -r a b c d <<< "$address"
ip link set "$device" address "$(printf '02:00:%02x:%02x:%02x:%02x' "$a" "$b" "$c" "$d")"
ip address replace "$address/24" dev "$device"
