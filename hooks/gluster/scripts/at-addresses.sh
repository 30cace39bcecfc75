#!/bin/bash
# Gives the commands on stdin to the glusterd at each address, 16 at the same time. Prints all that one answers below a line
# with "@" and its address. One that is silently gone costs ten seconds, and is no failure.
# Usage: at-addresses.sh ADDRESS...
set -euo pipefail

commands=$(cat)
answers=$(mktemp -d)
trap 'rm -r "$answers"' EXIT

ask() {
  timeout 10 gluster --remote-host="$1" --mode=script --xml <<< "$commands" > "$answers/$1" 2>&1
}

asked=0
for address; do
  if ((asked++ >= 16)); then
    wait -n || true
  fi
  ask "$address" &
done
wait
for address; do
  printf '@ %s\n%s\n' "$address" "$(< "$answers/$address")"
done
