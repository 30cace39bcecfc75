#!/bin/bash
# Sets a rejected peer's configuration of volumes aside and ends its glusterd, which takes them over from the others when
# it starts. Its identity and its peers stay; the copies are kept where the entrypoint keeps broken ones.
# Usage: set-aside-volumes.sh VOLUME...
set -euo pipefail
source functions.sh

cd "${STATE:-/var/lib/glusterd}"
mkdir -p removed
for volume; do
  mv -T "vols/$volume" "removed/$volume.$(date +%s)"
done
sync
end_glusterd
