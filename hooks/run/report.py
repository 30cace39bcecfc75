"""What a person reads: the plan, each step as it is done, the table of `volume status`, one sentence on the outcome."""

from __future__ import annotations

from collections.abc import Sequence

from hooks.gluster.model import Observed, Process
from hooks.plan.model import Plan
from hooks.run.follow import Done
from hooks.text import counted
from hooks.values.model import Values
from hooks.wait import SYSTEM, Clock


class Report:
    """Prints line by line and keeps everything, for the record that the release's ConfigMap holds."""

    def __init__(self, clock: Clock = SYSTEM) -> None:
        self.lines: list[str] = []
        self.outcome = ""
        self._clock = clock
        self._began = clock.monotonic()

    @property
    def seconds(self) -> float:
        return self._clock.monotonic() - self._began

    def say(self, text: str = "") -> None:
        self.lines += text.split("\n")
        print(f"{text}\n", end="", flush=True)  # one write: steps that go side by side report at the same time

    def conclude(self, text: str) -> None:
        """Say what came of it, which is also what Helm's user is told."""
        self.say(text)
        self.outcome = text

    def done(self, done: Done) -> None:
        self.say(f"  [{self.seconds:6.1f} s] done in {done.seconds:.1f} s: {done.step}")


def headline(plan: Plan, observed: Observed) -> str:
    """The plan in a sentence that stands alone."""
    if plan.blocked:
        return f"Refused, nothing was changed: {counted(len(plan.refusals or plan.waits), 'reason')}."
    peers = counted(len(observed.peers), "peer")
    if not plan.steps:
        return f"Nothing to do: the pool of {peers} is what the values ask for."
    return f"The plan for {peers}: {counted(len(plan.steps), 'step')}."


def plan_text(plan: Plan, observed: Observed) -> str:
    """The whole plan: its sentence, reasons against it, each phase's exact commands, notes."""
    lines = [headline(plan, observed)]
    lines += [f"  - {reason}" for reason in plan.refusals + plan.waits]
    if not plan.blocked:
        for phase in plan.phases:
            lines.append(f"  {phase.title}:")
            for step in phase.steps:
                remark = ", ".join(part for part in (f"on {step.peer}" if step.peer else "", step.why) if part)
                lines.append(f"    {step}{f'   # {remark}' if remark else ''}")
    lines += [f"  Note: {note}" for note in plan.notes]
    return "\n".join(lines)


def status_table(observed: Observed) -> str:
    """The table of `volume status`, volume by volume, with the type of each and the node of each brick."""
    rows = [("BRICK", "NODE", "PORT", "ONLINE", "PID")]
    heads: dict[int, str] = {}
    for volume in observed.volumes:
        heads[len(rows)] = f"Volume {volume.name} ({volume.kind}, {'started' if volume.started else 'not started'})"
        live = {(p.peer, p.path): p for p in observed.processes_of(volume.name)}
        for brick in volume.bricks:
            process = live.get((brick.peer, brick.path))
            rows.append((str(brick), observed.name_of(brick.peer), *_state(process)))
        rows += [
            (p.host, observed.name_of(p.peer), *_state(p)) for p in observed.processes_of(volume.name) if not p.is_brick
        ]
    return "\n".join(_aligned(rows, heads))


def success(values: Values, observed: Observed) -> str:
    """The last line of a run that reached its end."""
    peers, volumes = counted(len(observed.peers), "peer"), counted(len(values.volumes), "volume")
    return f"The pool is what the values ask for: {peers}, {volumes}, every brick online."


def _state(process: Process | None) -> tuple[str, str, str]:
    if process is None:
        return "-", "no", "-"
    return process.port, "yes" if process.online else "no", process.pid if process.online else "-"


def _aligned(rows: Sequence[tuple[str, ...]], heads: dict[int, str]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for number, row in enumerate(rows):
        if number in heads:
            lines.append(heads[number])
        lines.append("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return lines
