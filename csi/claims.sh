#!/bin/bash
# Runs in a peer, for the CSI controller. Usage: claims.sh create|expand|check|delete VOLUME NAME BYTES
# The claim is the volume's directory claims/NAME. An earlier call that was interrupted may have done any of the steps.
# Exit code 3: no such directory, 4: no such volume.
set -euo pipefail
action=$1 volume=$2 name=$3 size=${4:-0}
mount=/run/claims/$volume
gluster() { timeout 60 gluster --mode=script "$@"; }

if ! timeout 20 mountpoint -q "$mount"; then
  umount -l "$mount" 2>/dev/null || true
  mkdir -p "$mount"
  if ! info=$(gluster volume info "$volume" 2>&1); then
    echo "$info"
    [[ $info == *"does not exist"* ]] && exit 4
    exit 1
  fi
  mount -t glusterfs "localhost:/$volume" "$mount"
fi
cd "$mount"
claim=claims/$name

# Whether a directory exists. Anything else ends the script: bricks that are away, and symlinks, which those who write to
# the volume can make.
exists() {
  local kind
  kind=$(LC_ALL=C stat -c %F "$1" 2>&1) || true
  case $kind in
  directory) return 0 ;;
  *"No such file or directory") return 1 ;;
  esac
  echo "$1 is not a directory: $kind"
  exit 1
}

# Sets the quota, then records its size: a recorded size is one that holds.
resize() {
  if ! gluster volume get "$volume" features.quota | grep -q ' on *$'; then
    gluster volume quota "$volume" enable
    # 0 s: every write checks the usage, so that little more than the claim's size can be written.
    gluster volume quota "$volume" soft-timeout 0
    gluster volume quota "$volume" hard-timeout 0
  fi
  gluster volume quota "$volume" limit-usage "/$claim" "$size" > /dev/null
  setfattr -n trusted.claim-size -v "$size" "$claim"
  claim_size=$size
}

case $action in
create)
  exists claims || mkdir claims
  exists "$claim" || mkdir "$claim"
  claim_size=$(getfattr --only-values -n trusted.claim-size "$claim" 2>/dev/null || true)
  if [ -z "$claim_size" ]; then
    resize
  fi
  echo "size=$claim_size"
  ;;
expand)
  exists claims && exists "$claim" || exit 3
  claim_size=$(getfattr --only-values -n trusted.claim-size "$claim")
  if [ "$size" -gt "$claim_size" ]; then
    resize
  fi
  echo "size=$claim_size"
  ;;
check)
  exists claims && exists "$claim" || exit 3
  ;;
delete)
  if exists claims && exists "$claim"; then
    # The quota goes first: it is kept under the directory's id, and would outlive it.
    gluster volume quota "$volume" remove "/$claim" > /dev/null \
      || gluster volume quota "$volume" list "/$claim" 2>&1 | grep -qi 'not set'
    mv -T "$claim" "claims/.deleted-$name"
  fi
  timeout 90 rm -rf "claims/.deleted-$name"
  ;;
esac
