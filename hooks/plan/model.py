"""Words of a plan: a step is one command, a phase is a group of steps that need not wait for each other."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any


class Until(Enum):
    """What a step waits for: it only looks, again and again."""

    REBALANCED = "the data is spread"
    HEALED = "nothing is left to heal"
    REMOVED = "the data of bricks that leave is moved"


@dataclass(frozen=True)
class Step:
    """One gluster command (without the leading `gluster`), or, with `shell`, one command of the peer's shell.

    `peer` is where it must run, "" where any peer of the pool will do; `volume` is the one it changes, whose steps
    must keep their order. `seconds` is what a shell's command may take.
    """

    command: str
    peer: str = ""
    volume: str = ""
    why: str = ""
    shell: bool = False
    until: Until | None = None
    seconds: float = 60

    def __str__(self) -> str:
        return self.command if self.shell else f"gluster {self.command}"


@dataclass(frozen=True)
class Phase:
    """Steps that may run side by side. `observe` says that the pool must be looked at anew before the next phase.

    A `repair` brings back what runs in a sound pool: it loses nothing and disturbs nobody.
    """

    title: str
    steps: tuple[Step, ...]
    observe: bool = False
    repair: bool = False


@dataclass(frozen=True)
class Decision:
    """One part of a plan, see plan.Plan."""

    phases: tuple[Phase, ...] = ()
    refusals: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def phase(title: str, observe: bool = False) -> Any:
    """A dataclass's field that collects the steps of a phase, see phases_of()."""
    return field(default_factory=list, metadata={"title": title, "observe": observe})


def phases_of(collected: Any) -> tuple[Phase, ...]:
    """The phases of a dataclass whose fields are all made by phase(), in their order."""
    return tuple(Phase(steps=tuple(getattr(collected, of.name)), **of.metadata) for of in fields(collected))
