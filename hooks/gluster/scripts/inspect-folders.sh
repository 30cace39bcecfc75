#!/bin/bash
# Prints what is at each path, a line of JSON for each. Little is started for each: where thirty volumes are to be made,
# three `stat` on a node.
#   kind       absent, empty, filled, or other: what is no folder
#   id         the volume-id on it in hexadecimal, "" if none
#   data       whether a folder has anything but .glusterfs in it
#   parent     whether the folder around it is there
#   root_disk  whether it is on the node's root disk. That has the device of the state folder or of /etc/hosts, a file of
#              the kubelet's that is mounted into every container. Where /var is a disk of its own, a folder of the root
#              disk is known by its place on its disk, which is its path on the node.
# Usage: inspect-folders.sh PATH...
set -euo pipefail

device() { stat -L -c %d "$1" 2> /dev/null || true; }

state=$(device "${STATE:-/var/lib/glusterd}")
hosts=$(device /etc/hosts)
directory=
for path; do
  if [ "$directory" != "${path%/*}" ]; then
    directory=${path%/*} parent=true root_disk=false
    own=$(device "$directory")
    if [ -z "$own" ]; then
      parent=false
    elif [ "$own" = "$state" ] || [ "$own" = "$hosts" ]; then
      root_disk=true
    else
      while read -r _ _ _ from at _; do
        # The kernel writes a space as \040, and printf reads that as \0040.
        printf -v mounted_at %b "${at//\\/\\0}"
        if [ "$mounted_at" = "$directory" ]; then
          root_disk=false
          [ "$from" != "$at" ] || root_disk=true
        fi
      done < /proc/self/mountinfo
    fi
  fi
  kind=absent id='' data=false
  if [ -d "$path" ]; then
    kind=empty
    id=$(getfattr --absolute-names --only-values -n trusted.glusterfs.volume-id "$path" 2> /dev/null |
      od -An -v -tx1 | tr -d ' \n') || true
    # A folder that cannot be read counts as one with data: nothing is ever made in it or removed.
    first=$(find "$path" -mindepth 1 -print -quit) || first=unreadable
    [ -z "$first" ] || kind=filled
    first=$(find "$path" -mindepth 1 -maxdepth 1 ! -name .glusterfs -print -quit) || first=unreadable
    [ -z "$first" ] || data=true
  elif [ -L "$path" ] || [ -e "$path" ]; then
    kind=other
  fi
  printf '{"kind": "%s", "id": "%s", "data": %s, "parent": %s, "root_disk": %s}\n' \
    "$kind" "$id" "$data" "$parent" "$root_disk"
done
