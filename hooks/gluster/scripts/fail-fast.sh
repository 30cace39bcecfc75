#!/bin/bash
# Gives gluster the commands on stdin one at a time (it flushes each answer, measured), and leaves out those whose volume
# had a command refused: before in this session, or in an earlier one, whose volumes FAILED lists.
# Usage: fail-fast.sh FAILED[,FAILED...] VOLUME...   a VOLUME for each command, "" for one that belongs to none
set -euo pipefail

not_tried="<?xml?><cliOutput><opRet>-1</opRet><opErrstr>not tried after the one before</opErrstr></cliOutput>"
failed=,$1,
shift
coproc gluster { exec gluster --mode=script --xml; }
# A session that has ended closes its ends; what it has printed until then, and its exit code, are still wanted.
trap '' PIPE
# shellcheck disable=SC2154  # coproc sets it
pid=$gluster_PID
exec {to}>&"${gluster[1]}" {from}<&"${gluster[0]}"
eval "exec ${gluster[1]}>&-"
for volume; do
  IFS= read -r command
  if [[ -n $volume && $failed == *",$volume,"* ]]; then
    echo "$not_tried"
    continue
  fi
  printf '%s\n' "$command" >&"$to" || break
  answer=
  while IFS= read -r line <&"$from"; do
    answer+=$line$'\n'
    [[ $line != *'</cliOutput>'* ]] || break
  done
  printf %s "$answer"
  [[ $answer == *'</cliOutput>'* ]] || break
  [[ $answer == *'<opRet>0</opRet>'* ]] || failed+=$volume,
done
exec {to}>&-
wait "$pid"
