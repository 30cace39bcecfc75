#!/bin/bash
# Becomes a gluster session, whose commands come on stdin, if a connection is taken at each address. Otherwise prints the
# addresses where none is, and exits with 69.
# Usage: require-reachable.sh PORT ADDRESS...
set -euo pipefail
source functions.sh

require_reachable "$@"
exec gluster --mode=script --xml
