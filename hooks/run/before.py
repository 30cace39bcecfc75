"""The commands `plan` and `guard`: what an upgrade would do, before Helm has changed anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hooks.plan.build import Policy
from hooks.plan.state import HookState
from hooks.run.endings import ExitCode, PlanOnly
from hooks.run.live_release import LiveRelease
from hooks.run.preview import Preview, ReleaseState, live_peers, preview, preview_text
from hooks.run.report import Report

# Seen with Helm 3 and 4: the refused revision stays `pending-rollback`, and "another operation is in progress".
AFTER_ROLLBACK = (
    "If this was a `helm rollback`, Helm refuses upgrades until you go back to the revision that `helm history "
    "{release} -n {namespace}` shows as deployed: `helm rollback {release} REVISION -n {namespace}`."
)


def plan(release: LiveRelease, show: Callable[[Preview], str]) -> ExitCode:
    """Print the plan for the values of `release` as `show` renders it, change nothing."""
    seen = _preview(release, release.api.stateful_sets(), Policy.FULL)
    print(show(seen))
    if seen.plan.blocked or seen.unready:
        return ExitCode.REFUSED
    return ExitCode.CHANGES if seen.plan.steps or seen.changed else ExitCode.DONE


def guard(release: LiveRelease, report: Report) -> ExitCode:
    """Report the plan; refuse what would lose or strand data. What only has to wait is the hook's."""
    sets = release.api.stateful_sets()
    if not sets:
        report.conclude("No peer of this release is there yet: nothing to guard.")
        return ExitCode.DONE
    seen = _preview(release, sets, Policy.UPGRADE)
    refused = bool(seen.plan.refusals)
    plan_only = release.values.plan_only and not refused
    report.conclude("\n".join([preview_text(seen), *([PlanOnly.NOTICE] if plan_only else [])]))
    if not (refused or plan_only):
        return ExitCode.DONE
    report.say(AFTER_ROLLBACK.format(release=release.api.name, namespace=release.api.namespace))
    return ExitCode.REFUSED if refused else ExitCode.PLAN_ONLY


def _preview(release: LiveRelease, sets: Sequence[Mapping[str, Any]], policy: Policy) -> Preview:
    data, pods = release.record(), release.pods(sets)
    state = ReleaseState(HookState.from_record(data), data.get("network"), pods, live_peers(sets))
    return preview(release.values, state, release.runner(pods), policy)
