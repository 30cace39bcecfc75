"""The planner's decisions as data: every case of cases/*.yaml."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from hooks.plan import differences as kinds_of_differences
from hooks.plan import obstacles as kinds_of_obstacles
from hooks.plan import sentences, upgrade
from hooks.plan.availability import depend_on, unavailable_without
from hooks.plan.build import Policy, broken, decide, differences
from hooks.plan.differences import Awaited, Difference, Noted, Refused
from hooks.plan.model import Message, Step
from hooks.values.model import BrickSpec, ValuesError
from tests.unit.plan.reading import BadCase, Entry, Raw, Read, entries, read

ENTRIES = list(entries())


@pytest.mark.parametrize("entry", ENTRIES, ids=str)
def test_case(entry: Entry) -> None:
    assert run(entry) == expected(read(entry))


def test_every_kind_occurs_in_a_case() -> None:
    classes = {
        item
        for module in (kinds_of_differences, kinds_of_obstacles)
        for item in vars(module).values()
        if isinstance(item, type) and issubclass(item, Difference)
    }
    kinds = {item.__name__ for item in classes - {Difference, Refused, Awaited, Noted}}
    keys = ("differences", "refusals", "waits", "notes")
    named = {_kind_of(line)[0] for entry in ENTRIES for key in keys for line in entry.raw.get(key, ())}
    assert sorted(kinds - named) == []


def test_no_two_cases_of_a_file_have_one_name() -> None:
    names = [str(entry) for entry in ENTRIES]
    assert sorted({name for name in names if names.count(name) > 1}) == []


MINIMAL: dict[str, Any] = {"name": "m", "values": {"nodes": [{"name": "a"}], "volumes": [{"name": "m"}]}, "steps": []}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"stepz": []}, "stepz is unknown"),
        ({"steps": None}, "expects nothing"),
        ({"name": ""}, "no name"),
        ({"values": {"nodez": []}}, "nodez"),
        ({"values": {"nodes": [{"name": "worker-1"}]}}, "worker-1 is no node"),
        ({"policy": "HALF"}, "policy HALF"),
        ({"state": {"words": {}}}, "words is unknown"),
        ({"pool": {"peerz": {}}}, "peerz is unknown"),
        ({"pool": {"peers": {"b": {}}}}, "b is unknown"),
        ({"pool": {"peers": {"a": {"sees": {"b": "gone"}}}}}, "sees b: gone"),
        ({"pool": {"volumes": {"n": {}}}}, "n is unknown"),
        ({"pool": {"volumes": {"m": {"bricks": ["b:/d/m"]}}}}, "b:/d/m is on no member"),
        ({"pool": {"volumes": {"m": {"options": {"nfs.disable": True}}}}}, "quote the value of nfs.disable"),
        ({"pool": {"offline": ["a:/d/n"]}}, "a:/d/n is unknown"),
        ({"pool": {"daemons_offline": {"a": ["m"]}}}, "a m is unknown"),
        ({"pool": {"folders": {"a:/mnt/brick1/m": "absent"}}}, "a:/mnt/brick1/m is unknown"),
        ({"needed_by": []}, "goes with `restart`"),
        ({"restart": {"node": "a"}}, "steps is unknown"),
        ({"release": {"network": "hosts"}}, "go with `policy: UPGRADE`"),
        ({"refusals": ["StateMislaid"]}, "StateMislaid is no kind"),
        ({"differences": [{"VolumeStopped": {"brick": "a:/d/m"}}]}, "VolumeStopped has no brick"),
        ({"refusals": [{"StateLost": {"known": "uuid-a"}}]}, "known is no key of a refusal"),
    ],
)
def test_a_case_that_cannot_be_read_is_refused(change: Raw, problem: str) -> None:
    raw = {key: value for key, value in {**copy.deepcopy(MINIMAL), **change}.items() if value is not None}
    entry = Entry("file", {}, raw)
    with pytest.raises((BadCase, ValuesError), match=problem):
        expected(read(entry))


@pytest.mark.parametrize(
    "change",
    [
        {"steps": ["gluster volume start m"]},
        {"differences": ["VolumeStopped"]},
        {"refusals": [{"TlsOff": {"volume": "m"}}]},
        {"waits": [{"VolumesPending": {"node": "a"}}]},
        {"notes": [{"VolumeUnlisted": {"volume": "m"}}]},
    ],
)
def test_a_case_fails_that_expects_what_is_not_so(change: Raw) -> None:
    entry = Entry("file", {}, {**MINIMAL, **change})
    assert run(entry) != expected(read(entry))


def run(entry: Entry) -> dict[str, Any]:
    """What the planner makes of a case, of all that the case names or that must be empty."""
    given = read(entry)
    if given.restart:
        return _run_restart(given)
    found = tuple(_found(given))
    plan = decide(found, given.policy)
    wanted = expected(given)
    result: dict[str, Any] = {
        key: [_told(message, line) for message, line in _beside(getattr(plan, key), wanted[key])]
        for key in ("refusals", "waits", "notes")
    }
    if "differences" in wanted:
        result["differences"] = [_shown(item, line) for item, line in _beside(found, wanted["differences"])]
    if "steps" in wanted:
        result["steps"] = [_step(step) for step in plan.steps]
    return result


def expected(given: Read) -> dict[str, Any]:
    """What a case expects. What it does not name must be empty; steps only where nothing stands in their way."""
    wanted = {key: list(lines) for key, lines in given.expected.items()}
    for key in ("refusals", "waits", "notes"):
        wanted[key] = [_message(line) for line in wanted.get(key, ())]
    if "differences" in wanted:
        wanted["differences"] = [_difference(line) for line in wanted["differences"]]
    if given.restart:
        return {"refusals": wanted["refusals"], "needed_by": wanted.get("needed_by", [])}
    if not (wanted["refusals"] or wanted["waits"]):
        wanted.setdefault("steps", [])
    return wanted


def _found(given: Read) -> Iterable[Difference]:
    """As preview() and make_plan() put it together."""
    case, release = given.case, given.release
    if given.policy is Policy.UPGRADE:
        yield from upgrade.network_changed(case.values, release.network)
        yield from upgrade.state_path_changed(case.values, release.peers)
        yield from upgrade.tls_changed(case.values, release.peers, case.state)
        pool = case.pool if release.readable else None
        yield from upgrade.removed_nodes(case.values, release.peers, case.state, pool)
        new = tuple(node.name for node in case.values.nodes if node.name not in release.peers)
        yield from upgrade.pending_nodes(new, release.peers)
    if release.readable:
        yield from broken(case) if given.policy is Policy.REPAIRS else differences(case)


def _run_restart(given: Read) -> dict[str, Any]:
    assert given.restart
    node, pool = given.restart.node, given.case.pool
    obstacles = list(map(sentences.refusal, unavailable_without(node, pool)))
    wanted = expected(given)["refusals"]
    return {
        "refusals": [_told(message, line) for message, line in _beside(obstacles, wanted)],
        "needed_by": depend_on(node, pool, given.restart.unhealed, given.case.values.allow_downtime),
    }


def _beside(found: Sequence[Any], wanted: Sequence[Any]) -> list[tuple[Any, Raw]]:
    """Each of what was found with what is expected in its place."""
    return [(item, wanted[number] if number < len(wanted) else {}) for number, item in enumerate(found)]


def _kind_of(line: str | Raw) -> tuple[str, dict[str, Any]]:
    if isinstance(line, str):
        return line, {}
    ((kind, given),) = line.items()
    return kind, dict(given)


def _class_of(kind: str) -> type[Difference]:
    for module in (kinds_of_differences, kinds_of_obstacles):
        if isinstance(found := getattr(module, kind, None), type) and issubclass(found, Difference):
            return found
    raise BadCase(f"{kind} is no kind: see hooks/plan/differences.py and hooks/plan/obstacles.py.")


def _difference(line: str | Raw) -> dict[str, Any]:
    kind, given = _kind_of(line)
    names = {field.name for field in fields(_class_of(kind))}
    if unknown := given.keys() - names:
        raise BadCase(f"{kind} has no {', '.join(sorted(unknown))}: it has {', '.join(sorted(names))}.")
    return {"kind": kind, **given}


def _message(line: str | Raw) -> dict[str, Any]:
    kind, given = _kind_of(line)
    _class_of(kind)
    if unknown := given.keys() - {"node", "volume", "says"}:
        raise BadCase(f"{', '.join(sorted(unknown))} is no key of a refusal, wait or note: use node, volume, says.")
    return {"kind": kind, "node": "", "volume": "", **given}


def _shown(difference: Difference, wanted: Raw) -> dict[str, Any]:
    """A difference, with those of its fields that are expected."""
    names = {field.name for field in fields(difference)} & wanted.keys()
    return {"kind": difference.kind, **{name: _plain(getattr(difference, name)) for name in names}}


def _told(message: Message, wanted: Raw) -> dict[str, Any]:
    """A message; its sentences in the place of a piece that they do not hold."""
    said: dict[str, str] = {}
    if "says" in wanted:
        said = {"says": wanted["says"] if wanted["says"] in str(message) else str(message)}
    return {"kind": message.kind, "node": message.node, "volume": message.volume, **said}


def _step(step: Step) -> str | dict[str, str]:
    return {f"on {step.peer}": str(step)} if step.peer else str(step)


def _plain(value: Any) -> Any:
    """A value as YAML has it."""
    if isinstance(value, BrickSpec):
        return str(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping) or is_dataclass(value):
        raise TypeError(f"{value!r} has no form in a case yet.")
    return value
