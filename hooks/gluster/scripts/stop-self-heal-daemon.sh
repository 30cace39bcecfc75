#!/bin/bash
# Stops a peer's self-heal daemon, if it runs, and waits until it is gone; each volume's next start makes one again. As long
# as its PID exists, glusterd hands the volume to it, and the start fails after 15 s with "Commit failed" (seen with 11.1
# where nobody reaped the daemon).
# Usage: stop-self-heal-daemon.sh
set -euo pipefail

# The daemon is the process with an argument like shd/VOLUME, its volume file.
pids=$(grep -lz '^shd/' /proc/[0-9]*/cmdline 2> /dev/null | cut -d/ -f3) || true
for pid in $pids; do
  kill "$pid"
done
for pid in $pids; do
  for ((i = 0; i < 100; i++)); do
    kill -0 "$pid" 2> /dev/null || continue 2
    sleep 0.1
  done
  echo "The self-heal daemon (PID $pid) has not ended within ten seconds." >&2
  exit 1
done
