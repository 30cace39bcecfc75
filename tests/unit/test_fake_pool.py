"""The in-memory pool answers as a real one did: same elements, same codes, same words, held against captured XML."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from hooks.gluster.xml import BrickHeal, heals_of, parse_peers, parse_spaces, parse_status, parse_volumes
from tests.unit.fake_pool import FakePool, UnknownCommand

DATA = Path(__file__).parent.parent / "data" / "gluster-11.1"
A, B, C = "10.0.0.1", "10.0.0.2", "10.0.0.3"
POOL = [f"peer probe {B}", f"peer probe {C}"]
REP3 = f"volume create rep3 replica 3 {A}:/b/rep3 {B}:/b/rep3 {C}:/b/rep3"
DISP = f"volume create disp disperse 3 redundancy 1 {A}:/b/disp {B}:/b/disp {C}:/b/disp"
ARB = f"volume create arb replica 3 arbiter 1 {A}:/b/arb {B}:/b/arb {C}:/b/arb"
DIST = [*POOL, f"volume create dist {A}:/b/dist {B}:/b/dist"]
MOVED = [*DIST, *[f"volume remove-brick dist {B}:/b/dist {verb}" for verb in ("start", "status", "status")]]

CASES = [
    ("peer_status_alone", [], "peer status"),
    ("peer_status", POOL, "peer status"),
    ("peer_probe_new", [], f"peer probe {B}"),
    ("peer_probe_already", POOL, f"peer probe {B}"),
    ("peer_probe_self", [], f"peer probe {A}"),
    ("peer_probe_unreachable_refused", [], "peer probe 10.0.0.99"),
    ("clone_uuid_get_before", [], "system:: uuid get"),
    ("clone_uuid_reset_clean", [], "system:: uuid reset"),
    ("clone_uuid_reset_in_pool", POOL, "system:: uuid reset"),
    ("volume_create_replica3", POOL, REP3),
    ("volume_create_existing_name", [*POOL, REP3], REP3),
    ("volume_create_brick_left_from_deleted", [*POOL, REP3], REP3.replace("create rep3", "create other")),
    ("volume_create_host_not_in_pool", [], f"volume create bad replica 2 {A}:/b/bad {B}:/b/bad"),
    ("volume_create_bricks_wrong_count", POOL, f"volume create wc replica 3 {A}:/b/wc {B}:/b/wc"),
    ("volume_info_one_rep3", [*POOL, REP3], "volume info"),
    ("volume_info_arb", [*POOL, ARB, "volume start arb"], "volume info"),
    ("volume_info_disp", [*POOL, DISP], "volume info"),
    ("volume_status_one", [*POOL, REP3, "volume start rep3"], "volume status"),
    ("volume_set_one", [*POOL, REP3], "volume set rep3 performance.cache-size 128MB"),
    ("volume_set_invalid_key", [*POOL, REP3], "volume set rep3 no.such-option 1"),
    ("volume_set_nonexistent_volume", POOL, "volume set nope network.ping-timeout 10"),
    ("volume_reset_one", [*POOL, REP3], "volume reset rep3 network.ping-timeout"),
    ("volume_reset_bad", [*POOL, REP3], "volume reset rep3 no.such"),
    ("volume_start_fresh_rep3", [*POOL, REP3], "volume start rep3"),
    ("volume_start_already", [*POOL, REP3, "volume start rep3"], "volume start rep3"),
    ("volume_start_nonexistent", POOL, "volume start nope"),
    ("volume_stop", [*POOL, REP3, "volume start rep3"], "volume stop rep3"),
    ("volume_stop_already", [*POOL, REP3], "volume stop rep3"),
    ("volume_stop_nonexistent", POOL, "volume stop nope"),
    ("volume_delete", [*POOL, REP3], "volume delete rep3"),
    ("volume_delete_nonexistent", POOL, "volume delete nope"),
    ("volume_delete_started", [*POOL, REP3, "volume start rep3"], "volume delete rep3"),
    ("remove_brick_start", DIST, f"volume remove-brick dist {B}:/b/dist start"),
    ("remove_brick_status", MOVED, f"volume remove-brick dist {B}:/b/dist status"),
    ("remove_brick_commit_too_early", MOVED, f"volume remove-brick dist {B}:/b/dist commit"),
    ("remove_brick_nonbrick", DIST, f"volume remove-brick dist {C}:/b/dist start"),
    ("replace_brick_commit_force", [*POOL, REP3], f"volume replace-brick rep3 {C}:/b/rep3 {A}:/b/other commit force"),
    ("replace_brick_dist", DIST, f"volume replace-brick dist {B}:/b/dist {C}:/b/dist commit force"),
    ("peer_detach_with_bricks", [*POOL, REP3], f"peer detach {C}"),
    ("peer_detach_without_bricks", POOL, f"peer detach {C}"),
    ("peer_detach_not_member", [], f"peer detach {C}"),
    ("peer_detach_self", [], f"peer detach {A}"),
    ("reset_brick_commit_force", [*POOL, REP3], f"volume reset-brick rep3 {B}:/b/rep3 {B}:/b/rep3 commit force"),
    ("add_brick_dist", [*POOL, f"volume create dist {A}:/b/dist"], f"volume add-brick dist {B}:/b/dist"),
    ("add_brick_wrong_count", [*POOL, REP3], f"volume add-brick rep3 {A}:/b/rep3x"),
    ("rebalance_status_notstarted", [*POOL, f"volume create dist {A}:/b/dist"], "volume rebalance dist status"),
    ("rebalance_start", [*POOL, f"volume create dist {A}:/b/dist"], "volume rebalance dist start"),
    (
        "rebalance_status_done",
        [*POOL, f"volume create dist {A}:/b/dist", *["volume rebalance dist start", "volume rebalance dist status"]],
        "volume rebalance dist status",
    ),
    ("heal_info_summary", [*POOL, REP3, "volume start rep3"], "volume heal rep3 info summary"),
    ("heal_info_split_brain", [*POOL, REP3, "volume start rep3"], "volume heal rep3 info split-brain"),
    ("volume_status_detail", [*POOL, REP3, "volume start rep3"], "volume status all detail"),
]


def shape(element: ET.Element, prefix: str = "") -> set[str]:
    """The paths of all elements below, each once: `volInfo/volumes/volume/name`, ..."""
    paths = set()
    for child in element:
        path = f"{prefix}/{child.tag}"
        paths |= {path} | shape(child, path)
    return paths


def words(text: str | None) -> str:
    """A message without the names, paths and addresses of its scene."""
    return re.sub(r"\S*\d+\.\d+\.\d+\.\d+\S*|/\S+|Volume \S+|volume dist\.|\brep3\b|nope", "*", text or "").strip()


@pytest.mark.parametrize(("name", "before", "command"), CASES, ids=[case[0] for case in CASES])
def test_same_as_captured(name: str, before: list[str], command: str) -> None:
    pool = FakePool("a", "b", "c")
    run = ["timeout", "9", "gluster", "--mode=script", "--xml"]
    if before:
        pool.run("a", run, "\n".join(before))
    mine = ET.fromstring(pool.run("a", run, command).stdout)
    real = ET.fromstring((DATA / f"{name}.xml").read_text())
    assert shape(mine) == shape(real)
    for tag in ("opRet", "opErrno"):
        assert mine.findtext(tag) == real.findtext(tag), tag
    for tag in ("opErrstr", "output"):
        assert words(mine.findtext(tag)) == words(real.findtext(tag)), tag


def test_unknown_commands_are_an_error() -> None:
    with pytest.raises(UnknownCommand):
        FakePool("a").run("a", ["timeout", "9", "gluster", "--mode=script", "--xml"], "volume heal v full")


def test_parsers_read_what_was_captured() -> None:
    peers = parse_peers(ET.fromstring((DATA / "peer_status.xml").read_text()))
    assert [peer.hostnames for peer in peers] == [("10.77.0.12",), ("10.77.0.13",)]
    assert all(peer.healthy for peer in peers)
    rejected = parse_peers(ET.fromstring((DATA / "peer_status_rejected.xml").read_text()))
    assert [peer.healthy for peer in rejected] == [False, True], "a rejected peer is connected but not in the pool"
    volumes = {v.name: v for v in parse_volumes(ET.fromstring((DATA / "volume_info_all.xml").read_text()))}
    arb = volumes["arb"]
    assert (arb.replica, arb.arbiter, arb.set_size, arb.started) == (3, 1, 3, True)
    assert [brick.arbiter for brick in arb.bricks] == [False, False, True]
    assert str(arb.bricks[0]) == "10.77.0.11:/data/brick/arb"
    assert dict(arb.options)["nfs.disable"] == "on"
    assert volumes["disp"].set_size == 3
    status = parse_status(ET.fromstring((DATA / "volume_status_during_reset.xml").read_text()))
    assert [p.online for p in status if p.is_brick] == [True, False, False]
    assert {p.host for p in status if not p.is_brick} == {"Self-heal Daemon"}
    spaces = parse_spaces(ET.fromstring((DATA / "volume_status_detail.xml").read_text()))
    assert [(space.volume, space.path, space.percent) for space in spaces] == [("rep3", "/data/brick/rep3", 0)] * 3
    assert spaces[0].total == 17112760320
    heals = heals_of(ET.fromstring((DATA / "heal_info_summary.xml").read_text()))
    assert heals[0] == BrickHeal("10.77.0.11:/data/brick/rep3", connected=True, pending=0, split=0)
