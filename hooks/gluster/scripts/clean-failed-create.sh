#!/bin/bash
# Removes what a failed `volume create` or `add-brick` left of a brick's folder.
# Usage: clean-failed-create.sh PATH
set -euo pipefail

cd "$1"
[ ! -e .glusterfs ] || find .glusterfs -type d -empty -delete
setfattr -x trusted.glusterfs.volume-id .
cd /
# rmdir and not rm: if there is a file after all, it stays.
rmdir "$1"
