#!/bin/bash
# Ends a peer's glusterd, so that its container starts anew, and forgets that it was given its identity back: bricks that
# were missing when glusterd took their volumes over cannot be reset before one more start ("When destination brick is
# new, please use replace-brick"; measured with 11.1, also where their empty folders were there).
# Usage: restart-glusterd.sh
set -euo pipefail
source functions.sh

rm -f "${STATE:-/var/lib/glusterd}/taking-over"
sync
end_glusterd
