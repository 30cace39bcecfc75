#!/bin/bash
# Fails if a file is left in the folder of a brick that is to leave its volume: remove-brick can skip files and succeed.
# Usage: check-no-files.sh PATH VOLUME BRICK...   BRICK is host:path, all those of the remove-brick command
set -euo pipefail
source functions.sh

path=$1 volume=$2
shift 2
left=$(first_file "$path")
[ -z "$left" ] || fail "$path/$left has not been moved." \
  "End this attempt with 'gluster volume remove-brick $volume $* stop'; the next upgrade begins anew."
