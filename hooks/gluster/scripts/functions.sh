# What several scripts need. The loader puts this text in the place of their line `source functions.sh`.
# shellcheck shell=bash

# Ends glusterd, and with it the peer's container, which starts anew as a whole, bricks and all.
end_glusterd() {
  local file name found=
  for file in /proc/[0-9]*/cmdline; do
    name=
    # Only a process's own name counts: a volume, and so an argument, may be called glusterd too.
    { IFS= read -r -d '' name < "$file"; } 2> /dev/null || true
    if [ "${name##*/}" = glusterd ]; then
      kill "${file//[!0-9]/}"
      found=yes
    fi
  done
  [ -n "$found" ] || fail "No glusterd runs here."
}

# Prints the path within the brick folder $1 of a file that is data, if there is one. Directories stay behind everywhere,
# and empty files of exactly the mode ---------T only point to where a file is. All else is data: a file of somebody's with
# the sticky bit, one whose move was cut off, a symbolic link, a socket.
first_file() {
  cd "$1" && find . -path ./.glusterfs -prune -o ! -type d ! \( -type f -perm 1000 -size 0 \) -printf '%P\n' -quit
}

# Fails unless the folder $1 is a brick of the volume with the UUID $2.
require_volume_id() {
  local found wanted=${2//-/}
  found=$(getfattr --absolute-names --only-values -n trusted.glusterfs.volume-id "$1" | od -An -v -tx1 | tr -d ' \n')
  if [ -z "$found" ] || [ "$found" != "$wanted" ]; then
    fail "$1 shows the volume-id $found and not $wanted: nothing was removed."
  fi
}

# Exits with 69 and prints the addresses, of those after the port $1, that take no connection there. All are tried at the
# same time.
require_reachable() {
  local port=$1 address unreachable
  shift
  unreachable=$(
    for address; do
      # shellcheck disable=SC2016
      (timeout 5 bash -c 'exec 3<> "/dev/tcp/$0/$1"' "$address" "$port" 2> /dev/null || echo "$address") &
    done
    wait
  )
  if [ -n "$unreachable" ]; then
    echo "$unreachable"
    exit 69
  fi
}

fail() {
  echo "$*" >&2
  exit 1
}
