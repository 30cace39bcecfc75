#!/bin/bash
# Gives a peer whose state folder was lost its identity back, and the other peers, from whom it takes the volumes over.
# Usage: restore-identity.sh UUID OP_VERSION OTHER...   OTHER is the UUID of another peer and its hosts: UUID,HOST[,HOST]...
set -euo pipefail
source functions.sh

uuid=$1 version=$2
shift 2
cd "${STATE:-/var/lib/glusterd}"
touch taking-over
mkdir -p peers
for other; do
  IFS=, read -r -a fields <<< "$other"
  {
    printf 'uuid=%s\nstate=3\n' "${fields[0]}"
    for ((n = 1; n < ${#fields[@]}; n++)); do
      printf 'hostname%d=%s\n' "$n" "${fields[n]}"
    done
  } > "peers/${fields[0]}"
done
# The identity comes last, and whole. glusterd is ended before it can write its own again.
printf 'UUID=%s\noperating-version=%s\n' "$uuid" "$version" > glusterd.info.new
mv glusterd.info.new glusterd.info
sync
end_glusterd
