#!/bin/bash
# Runs in a peer, for the CSI controller. Usage: claims.sh create|expand|look|delete VOLUME NAME BYTES
# The claim is the volume's directory claims/NAME. Each step may have been done before, by a call that was cut short.
# Exit code 3: there is no such directory, 4: no such volume.
set -euo pipefail
do=$1 volume=$2 name=$3 size=${4:-0}
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

# Whether a path is a directory. Neither "the bricks are away" nor a symlink, which whoever writes to the volume can make,
# counts as a no.
there() {
  local said
  said=$(LC_ALL=C stat -c %F "$1" 2>&1) || true
  case $said in
  directory) return 0 ;;
  *"No such file or directory") return 1 ;;
  esac
  echo "$1 is no directory: $said"
  exit 1
}

# Sets the claim's size, the quota first: the size that is kept is one that holds.
resize() {
  if ! gluster volume get "$volume" features.quota | grep -q ' on *$'; then
    gluster volume quota "$volume" enable
    # Every write asks, so that little more than the claim's size can be written.
    gluster volume quota "$volume" soft-timeout 0
    gluster volume quota "$volume" hard-timeout 0
  fi
  gluster volume quota "$volume" limit-usage "/$claim" "$size" > /dev/null
  setfattr -n trusted.claim-size -v "$size" "$claim"
  known=$size
}

case $do in
create)
  there claims || mkdir claims
  there "$claim" || mkdir "$claim"
  known=$(getfattr --only-values -n trusted.claim-size "$claim" 2>/dev/null || true)
  if [ -z "$known" ]; then
    resize
  fi
  echo "size=$known"
  ;;
expand)
  there claims && there "$claim" || exit 3
  known=$(getfattr --only-values -n trusted.claim-size "$claim")
  if [ "$size" -gt "$known" ]; then
    resize
  fi
  echo "size=$known"
  ;;
look)
  there claims && there "$claim" || exit 3
  ;;
delete)
  if there claims && there "$claim"; then
    # The quota goes first: it is kept under the directory's id, and would outlive it.
    gluster volume quota "$volume" remove "/$claim" > /dev/null \
      || gluster volume quota "$volume" list "/$claim" 2>&1 | grep -qi 'not set'
    mv -T "$claim" "claims/.deleted-$name"
  fi
  timeout 90 rm -rf "claims/.deleted-$name"
  ;;
esac
