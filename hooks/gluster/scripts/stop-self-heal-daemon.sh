#!/bin/bash
# Stops a peer's self-heal daemon, if it runs; each volume's next start makes one again.
# Usage: stop-self-heal-daemon.sh
set -euo pipefail

# The daemon is the process with an argument like shd/VOLUME, its volume file.
pids=$(grep -lz '^shd/' /proc/[0-9]*/cmdline 2> /dev/null | cut -d/ -f3) || true
for pid in $pids; do
  kill "$pid"
done
