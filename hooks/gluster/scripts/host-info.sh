#!/bin/bash
# Prints the node's own addresses in a line, what COMMAND prints, and a line with "@" and its exit code; then does what
# require-reachable.sh does. COMMAND consists of COUNT words, 0 if there is none.
# Usage: host-info.sh COUNT COMMAND... PORT ADDRESS...
set -euo pipefail
source functions.sh

count=$1 code=0
shift
hostname -I
"${@:1:count}" < /dev/null || code=$?
echo "@$code"
shift "$count"
require_reachable "$@"
exec gluster --mode=script --xml
