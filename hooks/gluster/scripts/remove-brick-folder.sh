#!/bin/bash
# Removes the folder of a brick with its data, if it is a brick of that volume.
# Usage: remove-brick-folder.sh PATH VOLUME_ID
set -euo pipefail
source functions.sh

require_volume_id "$1" "$2"
# The folder itself goes last, so that what is left if this is killed still shows the id.
rm -rf "$1"
