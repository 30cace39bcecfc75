"""What the hook must have recorded, and when, so that a killed run is taken up again where it ended. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from hooks.plan import delete, rebuild
from hooks.plan.case import Case
from hooks.plan.state import HookState, Names


def before_steps(case: Case) -> HookState:
    """What must be recorded before the first step of a plan.

    Options that are being set are the hook's from now on, older ones still are; bricks that were found free may be
    taken; what gets bricks must be healed or rebalanced afterwards.
    """
    state = before_repairs(case)
    if replace(case, state=state).uuids_to_restore:
        return state  # which bricks are on which node is unknown while a peer has a wrong UUID
    diffs = case.brick_diffs
    return replace(
        state,
        retired_bricks=_retired(case),
        options=_options(case),
        claimed_bricks={v: tuple(map(str, diff.claimed)) for v, diff in diffs.items() if diff.claimed},
        rebalancing=_and(state.rebalancing, (v for v, diff in diffs.items() if diff.new_sets and v in case.volumes)),
        healing=_and(state.healing, (v for v, diff in diffs.items() if diff.new_replicas or diff.evacuations)),
        deleting=delete.to_delete(case),
    )


def before_repairs(case: Case) -> HookState:
    """The part of `before_steps` that goes with a plan that only repairs."""
    nodes = rebuild.nodes_to_rebuild(case)
    return replace(
        case.state,
        rebuilding=_and(case.state.rebuilding, sorted(nodes)),
        healing=_and(case.state.healing, rebuild.volumes_to_heal(case, nodes)),
    )


def after_success(case: Case) -> HookState:
    """What is left to remember once the pool is what the values ask for; of volumes not listed all stays known."""
    listed = {name: tuple(key for key, _ in spec.options) for name, spec in case.specs.items()}
    kept = case.volumes.keys() - listed.keys()
    return HookState(
        uuids={peer.name: peer.uuid for peer in case.pool.peers},
        options={**{name: keys for name, keys in case.state.options.items() if name in kept}, **listed},
        rebalancing=tuple(name for name in case.state.rebalancing if name in kept),
        healing=tuple(name for name in case.state.healing if name in kept),
        deleting=delete.still_to_delete(case),
        rebuilt=rebuild.used_words(case),
    )


def _retired(case: Case) -> Names:
    """Bricks that leave with their set, now or by an earlier plan; those that move instead keep their old copy."""
    before = {
        volume_id: tuple(place for place in places if place not in _live_places(case, volume_id))
        for volume_id, places in case.state.retired_bricks.items()
    }
    now = {case.volumes[v].id: tuple(map(str, diff.retiring)) for v, diff in case.brick_diffs.items() if diff.retiring}
    return {**before, **{volume_id: _and(before.get(volume_id, ()), places) for volume_id, places in now.items()}}


def _live_places(case: Case, volume_id: str) -> set[str]:
    volume = case.volumes_by_id.get(volume_id)
    return set(map(str, case.live[volume.name])) if volume else set()


def _options(case: Case) -> Names:
    asked = {name: tuple(key for key, _ in spec.options) for name, spec in case.specs.items()}
    before = case.state.options
    return {v: tuple(sorted({*before.get(v, ()), *asked.get(v, before.get(v, ()))})) for v in {**before, **asked}}


def _and(before: Iterable[str], more: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*before, *more)))
