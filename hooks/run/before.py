"""The commands `plan` and `guard`: what an upgrade would do, before Helm has changed anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hooks.plan.state import HookState
from hooks.run.endings import ExitCode, PlanOnly
from hooks.run.live_release import LiveRelease
from hooks.run.preview import Preview, preview, preview_text

# Seen with Helm 3 and 4: the refused revision stays `pending-rollback`, and "another operation is in progress".
AFTER_ROLLBACK = (
    "If this was a `helm rollback`, Helm refuses upgrades until you go back to the revision that `helm history "
    "{release} -n {namespace}` shows as deployed: `helm rollback {release} REVISION -n {namespace}`."
)


def plan(release: LiveRelease) -> ExitCode:
    """Print the plan for the values of `release`, change nothing."""
    seen = _preview(release, release.cluster.stateful_sets())
    print(preview_text(seen))
    if seen.plan.refusals or seen.plan.waits or seen.unready:
        return ExitCode.REFUSED
    return ExitCode.CHANGES if seen.plan.steps or seen.changed else ExitCode.DONE


def guard(release: LiveRelease) -> ExitCode:
    """Print the plan; refuse what would lose or strand data. What only has to wait is the hook's."""
    sets = release.cluster.stateful_sets()
    if not sets:
        print("No peer of this release is there yet: nothing to guard.")
        return ExitCode.DONE
    seen = _preview(release, sets)
    found = seen.plan
    passing = tuple(f"Before anything is changed: {text}" for text in (*found.offline, *found.waits))
    shown = replace(found, refusals=found.lasting, waits=(), notes=(*found.notes, *passing))
    print(preview_text(replace(seen, plan=shown)))
    if not found.lasting and not release.values.plan_only:
        return ExitCode.DONE
    if not found.lasting:
        print(PlanOnly.NOTICE)
    print(AFTER_ROLLBACK.format(release=release.cluster.release, namespace=release.cluster.namespace))
    return ExitCode.REFUSED if found.lasting else ExitCode.PLAN_ONLY


def _preview(release: LiveRelease, sets: Sequence[Mapping[str, Any]]) -> Preview:
    data, pods = release.record(), release.pods(sets)
    memory = HookState.from_record(data)
    return preview(release.values, memory, data.get("network"), pods, sets, release.runner(pods))
