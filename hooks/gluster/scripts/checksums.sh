#!/bin/bash
# Prints a line for each volume that glusterd has stored here: its name, and the version and the checksum of its
# configuration. A copy that is not complete has none.
# Usage: checksums.sh
set -euo pipefail

cd "${STATE:-/var/lib/glusterd}"
for folder in vols/*/; do
  if [ -s "${folder}cksum" ] && [ -s "${folder}info" ]; then
    version=$(sed -n 's/^version=//p' "${folder}info")
    checksum=$(sed -n 's/^info=//p' "${folder}cksum")
    echo "$(basename "$folder") $version $checksum"
  fi
done
