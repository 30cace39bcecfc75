"""What goes wrong with a run of the hook: it dies, connections are lost; and its report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from hooks.gluster import scripts
from hooks.gluster.runner import ExecResult
from hooks.run.report import Report
from tests.unit.fake_pool import FakePool
from tests.unit.fake_pool.scripts import script_of
from tests.unit.leases import Leases

LOOKS = (
    "system:: uuid get",
    "peer status",
    "volume info",
    "volume status",
    "volume get all cluster.op-version",
    "volume status all detail",
)

RESTORES = ("restore-identity.sh ", "cd /var/lib/glusterd && touch ")
READS = (
    "require-reachable.sh",
    "host-info.sh",
    "fail-fast.sh",
    "at-addresses.sh",
    "inspect-folders.sh",
    "checksums.sh",
)
"""Scripts that change nothing but by the commands on their stdin."""

Breaks = Callable[[int, int | None, bool], None]
WAYS = ("whole", "dies", "dies at a change", "dies before a change", "loses connections", "loses changes")


@dataclass(frozen=True)
class Fate:
    """How a run of the hook goes: what `kind` of thing befalls it, one of WAYS, and when.

    That is from the `first` exec on (of all, or of those that change something), for `count` of them. `backwards` says
    in which order what goes side by side is done.
    """

    kind: str
    first: int
    count: int
    backwards: bool


def fates(longest: int = 15) -> st.SearchStrategy[Fate]:
    """Fates that befall a run at one of its `longest` first execs; one that ends before that stays whole."""
    return st.builds(Fate, st.sampled_from(WAYS), st.integers(1, longest), st.integers(1, 4), st.booleans())


class Death(BaseException):
    """The hook's pod is gone in the middle of a run."""


class Quiet(Report):
    def say(self, text: str = "") -> None:
        self.lines += text.split("\n")


class Api:
    """The API server as one hook's pod reaches it: not at all when the pod is dead."""

    def __init__(self, leases: Leases, pod: str) -> None:
        self.leases = leases
        self.pod = pod
        self.dead = False

    @property
    def holds(self) -> bool:
        return self.leases.holder == self.pod

    def lease(self, name: str) -> dict[str, Any] | None:
        if self.dead:
            raise Death
        return self.leases.lease(name)

    def take_lease(self, name: str, holder: str, seconds: int, current: Mapping[str, Any] | None) -> bool:
        return self.leases.take_lease(name, holder, seconds, current)

    def pod_is_gone(self, name: str) -> bool:
        return self.leases.pod_is_gone(name)


class Wire:
    """The Runner of one run: `breaks` is called before and after each exec's effect, with its number among all execs
    and, if it is to change something, among those that are. Before what changes something clients `write`."""

    def __init__(
        self, pool: FakePool, api: Api, away: Callable[[], list[str]], write: Callable[[], None], breaks: Breaks
    ) -> None:
        self.pool = pool
        self.api = api
        self.away = away
        self.write = write
        self.breaks = breaks
        self.execs = 0
        self.changing = 0
        self.changes: list[str] = []

    def run(self, peer: str, argv: Sequence[str], stdin: str = "", timeout: float = 60) -> ExecResult:
        changes = list(changes_of(argv, stdin))
        assert self.api.holds, f"{changes or 'a look'} without the lock"
        missing = self.away() if changes else []
        back = [change for change in changes if change.startswith(RESTORES)]
        assert not missing or changes == back, f"{changes} while {missing} are away"
        self.changes += changes
        self.execs += 1
        self.changing += bool(changes)
        if changes:
            self.write()
        self.breaks(self.execs, self.changing if changes else None, False)
        result = self.pool.run(peer, argv, stdin, timeout)
        self.breaks(self.execs, self.changing if changes else None, True)
        return result


def changes_of(argv: Sequence[str], stdin: str) -> Iterator[str]:
    for command in stdin.splitlines():
        looks = command in LOOKS or command.endswith((" status", " info summary", " info split-brain"))
        if not looks:
            yield command
    called = script_of(argv)
    if called and called[0] not in READS:
        yield scripts.shown(*called)


def one_by_one(backwards: bool) -> Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]:
    """observe.side_by_side in an order that is always the same; a failing one does not keep others from running."""

    def work_all(work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        results: dict[int, Any] = {}
        errors: dict[int, Exception] = {}
        for number in sorted(range(len(items)), reverse=backwards):
            try:
                results[number] = work(items[number])
            except Exception as error:
                errors[number] = error
        if errors:
            raise errors[min(errors)]
        return [results[number] for number in range(len(items))]

    return work_all


def nothing(number: int, change: int | None, done: bool) -> None:
    pass
