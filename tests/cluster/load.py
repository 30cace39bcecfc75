"""Writers on volumes while something happens to the pool, and what must be true of the pool when it has passed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from testbed.config import patience
from tests.cluster.lab import CommandFailed, until
from tests.cluster.release import Release

SIZE = 20000
"""Bytes of each file that a writer makes."""

# A file of the volume $1 at a time, through to the bricks. What was acknowledged and failed and how many milliseconds
# each took, one line each, in /log. With the volume as its working directory bash itself stands still where it looks
# up a program, before the clock runs.
_WRITER = f"""
n=$(cat /log/$1.acknowledged /log/$1.failed | wc -l)
while [ ! -e /log/stop ]; do
  n=$((n + 1)); head -c {SIZE} /dev/urandom > /log/$1.part; sum=$(sha256sum < /log/$1.part)
  began=${{EPOCHREALTIME/./}}
  if dd if=/log/$1.part of=/data/$1/w$n conv=fsync status=none 2>> /log/$1.errors
  then echo "${{sum%% *}}  $1/w$n" >> /log/$1.acknowledged
  else echo "$1/w$n" >> /log/$1.failed; fi
  echo $(((${{EPOCHREALTIME/./}} - began) / 1000)) >> /log/$1.millis
  sleep 1  # a busy machine moves or heals two files a second (at load 30): it must not be outrun
done
rm /log/$1.running
"""


@dataclass
class Load:
    """A writer a volume, all in one pod that has them mounted; `shell` runs scripts there."""

    shell: Callable[[str], str]
    volumes: Sequence[str]
    checked: int = 0
    """Bytes that were read again and were right."""

    def __post_init__(self) -> None:
        logs = " ".join(f"/log/{v}.{kind}" for v in self.volumes for kind in ("acknowledged", "failed", "millis"))
        self.shell(f"mkdir -p /log; cat > /log/writer <<'END'\n{_WRITER}\nEND\ntouch {logs}")

    @contextmanager
    def running(self) -> Iterator[None]:
        """Writers that are at work meanwhile; they have written something before, and get on afterwards."""
        self.start()
        try:
            self.gets_on()
            yield
            self.gets_on()
        finally:
            self.stop()

    def start(self) -> None:
        start = "touch /log/{0}.running; setsid bash /log/writer {0} > /dev/null 2>&1 < /dev/null &"
        self.shell("\n".join(["rm -f /log/stop", *(start.format(volume) for volume in self.volumes)]))

    def gets_on(self) -> None:
        """Wait until each writer has had further files acknowledged."""
        goals = {volume: count + 5 for volume, count in self._acknowledged().items()}

        def reached() -> bool:
            now = self._acknowledged()
            return all(now[volume] >= goal for volume, goal in goals.items())

        until("every writer gets on", reached, 180)

    def stop(self) -> None:
        self.shell("touch /log/stop; while ls /log/*.running > /dev/null 2>&1; do sleep 0.1; done")

    def failed(self) -> str:
        """What was not acknowledged, with the errors."""
        return self.shell("cat /log/*.failed; cat /log/*.errors 2> /dev/null | grep -v -e records -e '^$' || true")

    def stalls(self) -> dict[str, float]:
        """By volume, the longest that one file took since this was asked last, in seconds."""
        ask = "for v in {}; do sort -n /log/$v.millis | tail -n 1; : > /log/$v.millis; done".format(
            " ".join(self.volumes)
        )
        return {volume: int(line) / 1000 for volume, line in zip(self.volumes, self.shell(ask).split(), strict=True)}

    def check(self) -> None:
        """Read what was acknowledged since the last check, and compare."""
        script = "cd /data; for v in {}; do from=$(cat /log/$v.checked 2> /dev/null || echo 0)\n{}\ndone".format(
            " ".join(self.volumes),
            "tail -n +$((from + 1)) /log/$v.acknowledged > /log/new; sha256sum --check --quiet /log/new\n"
            "wc -l < /log/$v.acknowledged > /log/$v.checked; wc -l < /log/new",
        )
        self.checked += SIZE * sum(int(line) for line in self.shell(script).split())

    def check_all(self, server: str) -> None:
        """Read all that was ever acknowledged through new mounts, and compare."""
        for volume in self.volumes:
            mount = f"mkdir -p /fresh/{volume}; mount -t glusterfs {server}:/{volume} /fresh/{volume}"
            self.shell(f"{mount}; cd /fresh; sha256sum --check --quiet /log/{volume}.acknowledged")
        self.checked += SIZE * sum(self._acknowledged().values())

    def _acknowledged(self) -> dict[str, int]:
        counts = self.shell("\n".join(f"wc -l < /log/{volume}.acknowledged" for volume in self.volumes)).split()
        return dict(zip(self.volumes, map(int, counts), strict=True))


def until_whole(release: Release, volumes: Sequence[str], maintain: Callable[[], object]) -> None:
    """Wait until every peer sees the others, each brick is online, nothing is to be healed; nothing is split-brain.

    What the pool does not do by itself within half a minute is for `maintain`.
    """
    end = time.monotonic() + 300 * patience()
    maintained = time.monotonic()
    while reasons := _reasons(release, volumes):
        assert time.monotonic() < end, "\n".join(["The pool does not become whole:", *reasons])
        if time.monotonic() - maintained > 30:
            maintain()
            maintained = time.monotonic()
        time.sleep(3)  # the bricks that are healed are those that answer


def _reasons(release: Release, volumes: Sequence[str]) -> list[str]:
    try:
        return list(_amiss(release, volumes))
    except CommandFailed as error:
        return [str(error)]  # a peer is not back yet, or the volume is locked


def _amiss(release: Release, volumes: Sequence[str]) -> Iterator[str]:
    peers = release.peers()
    first = min(peers)
    status = release.gluster("peer", "status", node=first)
    if (connected := status.count("Peer in Cluster (Connected)")) != len(re.findall(r"^Uuid:", status, re.MULTILINE)):
        yield f"{connected} peers are connected:\n{status}"
    for volume in volumes:
        processes = release.gluster("volume", "status", volume, node=first)
        yield from (f"{volume}: {line}" for line in processes.splitlines() if re.search(r"\sN\s+(\d+|N/A)\s*$", line))
        info = release.gluster("volume", "heal", volume, "info", node=first)
        yield from (f"{volume}: {line}" for line in re.findall(r"^Number of entries: (?!0$).*$", info, re.MULTILINE))
        yield from (f"{volume}: {line}" for line in info.splitlines() if "split-brain" in line)
