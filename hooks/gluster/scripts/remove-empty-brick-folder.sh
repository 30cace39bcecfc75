#!/bin/bash
# Removes the folder of a brick that has left its volume, if it is a brick of that volume and no file is left on it.
# Usage: remove-empty-brick-folder.sh PATH VOLUME_ID
set -euo pipefail
source functions.sh

require_volume_id "$1" "$2"
left=$(first_file "$1")
[ -z "$left" ] || fail "$1/$left is still there: nothing was removed."
rm -rf "$1"
