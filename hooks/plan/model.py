"""What a plan is made of: steps in phases, and messages on what stands in their way."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any

from hooks.gluster import scripts


class Work(Enum):
    """What goes on in the pool by itself, with the name of what is done when it has ended."""

    HEAL = "healed"
    REBALANCE = "rebalanced"
    RETIREMENT = "retired"


@dataclass(frozen=True)
class Gluster:
    """One gluster command, without the leading `gluster`.

    `peer` is where it must run, "" where any peer of the pool will do; `volume` is the one that it changes, whose steps
    must keep their order.
    """

    argv: tuple[str, ...]
    peer: str = ""
    volume: str = ""
    why: str = ""

    def __str__(self) -> str:
        return shlex.join(("gluster", *self.argv))


@dataclass(frozen=True)
class Script:
    """One of gluster/scripts, run on the node `peer`; `seconds` is what it may take."""

    name: str
    arguments: tuple[str, ...] = ()
    peer: str = ""
    volume: str = ""
    why: str = ""
    seconds: float = 60

    @property
    def argv(self) -> tuple[str, ...]:
        return (self.name, *self.arguments)

    def __str__(self) -> str:
        return scripts.shown(self.name, self.arguments)


@dataclass(frozen=True)
class WaitFor:
    """Looks, again and again, until `work` on the volume has ended; `bricks` (host:path) are those that retire."""

    work: Work
    volume: str
    bricks: tuple[str, ...] = ()
    peer: str = ""
    why: str = ""

    @property
    def argv(self) -> tuple[str, ...]:
        """The gluster command that shows how far it is."""
        match self.work:
            case Work.HEAL:
                return ("volume", "heal", self.volume, "info", "summary")
            case Work.REBALANCE:
                return ("volume", "rebalance", self.volume, "status")
            case Work.RETIREMENT:
                return ("volume", "remove-brick", self.volume, *self.bricks, "status")

    def __str__(self) -> str:
        return shlex.join(("gluster", *self.argv))


Step = Gluster | Script | WaitFor


@dataclass(frozen=True)
class Phase:
    """Steps that may run side by side. `observe` asks for a new look at the pool before the next phase.

    A `repair` brings back what runs in a sound pool: it loses nothing and disturbs nobody.
    """

    title: str
    steps: tuple[Step, ...]
    observe: bool = False
    repair: bool = False


@dataclass(frozen=True)
class Message:
    """Something to tell: `kind` is for programs, `what` and `remedy` are sentences for people.

    `node` and `volume` are those that it is about, "" where it is about none.
    """

    kind: str
    what: str
    remedy: str = ""
    node: str = ""
    volume: str = ""

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}".rstrip()


class Refusal(Message):
    """Stops everything until somebody does what the remedy names."""


class Wait(Message):
    """Stops everything, but may pass by itself."""


class Note(Message):
    """For the reader only."""


@dataclass(frozen=True)
class Finding(Message):
    """What maintenance found, or has `resolved`; `key` tells it from others of its kind."""

    key: str = ""
    resolved: bool = False


@dataclass(frozen=True)
class Plan:
    """With a refusal or a wait no step may be taken. Phases are done in order.

    `unstarted` tells that something is offline which may come back by itself in a moment.
    """

    phases: tuple[Phase, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    waits: tuple[Wait, ...] = ()
    notes: tuple[Note, ...] = ()
    unstarted: bool = False

    @property
    def blocked(self) -> bool:
        return bool(self.refusals or self.waits)

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(step for phase in self.phases for step in phase.steps)

    @property
    def next_phases(self) -> tuple[Phase, ...]:
        """The phases up to the one after which the pool must be looked at again."""
        last = next((number for number, phase in enumerate(self.phases) if phase.observe), len(self.phases))
        return self.phases[: last + 1]


def phase(title: str, observe: bool = False) -> Any:
    """A dataclass's field that collects the steps of a phase, see phases_of()."""
    return field(default_factory=list, metadata={"title": title, "observe": observe})


def phases_of(collected: Any) -> tuple[Phase, ...]:
    """The phases of a dataclass whose fields are all made by phase(), in their order."""
    return tuple(Phase(steps=tuple(getattr(collected, of.name)), **of.metadata) for of in fields(collected))
