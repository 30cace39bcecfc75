"""A volume goes, with its data, by explicit words and in no other way."""

from __future__ import annotations

from typing import Any

import pytest

from hooks.gluster.runner import OutcomeUnknown
from hooks.run.endings import CannotRead, Refused
from tests.unit.fake_pool import FakePool
from tests.unit.running import THREE, Run

pytestmark = pytest.mark.usefixtures("no_waiting")

GONE: dict[str, Any] = {"name": "safe", "state": "deleted", "confirm": "yes-really-destroy-data"}
WITHOUT: dict[str, Any] = {**THREE, "volumes": [THREE["volumes"][0], GONE]}


def installed() -> Run:
    run = Run(FakePool("a", "b", "c"), THREE)
    run()
    for peer in run.pool.peers.values():
        peer.folder("/mnt/brick1/safe")["data"] = "yes"
    return run


def test_the_volume_and_its_folders_go_and_the_name_is_free_again() -> None:
    run = installed()
    before = run.pool.peers["a"].cluster.volumes["safe"].id
    gone = Run(run.pool, WITHOUT, run.memory)
    gone()
    assert set(run.pool.peers["a"].cluster.volumes) == {"newvol"}
    assert all(p.folder("/mnt/brick1/safe")["kind"] == "absent" for p in run.pool.peers.values())
    assert all(p.folder("/mnt/brick1/newvol")["kind"] == "filled" for p in list(run.pool.peers.values())[:2])
    assert gone.memory.deleting == {}
    again = Run(run.pool, WITHOUT, gone.memory)
    again()
    assert again.report.lines[0].startswith("Nothing to do")
    assert "The volume safe is not in the pool: its entry may be taken out of `volumes`." in again.text
    back = Run(run.pool, THREE, again.memory)
    back()
    assert run.pool.peers["a"].cluster.volumes["safe"].id != before


def test_a_run_cut_short_anywhere_is_finished_by_the_next() -> None:
    lost = 0
    while True:
        lost += 1
        run = installed()
        begun = len(run.pool.execs)

        def breaks(number: int, last: int = begun + lost) -> bool:
            if number >= last:
                raise SystemExit
            return False

        run.pool.lose_connection = breaks
        cut = Run(run.pool, WITHOUT, run.memory)
        try:
            cut()
        except SystemExit:
            run.pool.lose_connection = lambda number: False
            Run(run.pool, WITHOUT, cut.memory)()
            assert set(run.pool.peers["a"].cluster.volumes) == {"newvol"}
            assert all(p.folder("/mnt/brick1/safe")["kind"] == "absent" for p in run.pool.peers.values())
        else:
            break
    assert lost > 10


def test_the_name_can_be_listed_anew_while_folders_are_left() -> None:
    run = installed()
    cut = Run(run.pool, WITHOUT, run.memory)

    def breaks(number: int) -> bool:
        if "volume delete safe" in run.pool.commands:
            raise SystemExit
        return False

    run.pool.lose_connection = breaks
    with pytest.raises(SystemExit):
        cut()
    run.pool.lose_connection = lambda number: False
    assert run.pool.peers["b"].folder("/mnt/brick1/safe")["id"]
    Run(run.pool, THREE, cut.memory)()
    assert all(p.folder("/mnt/brick1/safe")["data"] == "no" for p in run.pool.peers.values())


def test_words_that_were_taken_back_leave_everything() -> None:
    run = installed()
    cut = Run(run.pool, WITHOUT, run.memory)

    def breaks(number: int) -> bool:
        if "volume stop safe" in run.pool.commands:
            raise OutcomeUnknown("the connection was lost")
        return False

    run.pool.lose_connection = breaks
    with pytest.raises(CannotRead, match="the connection was lost"):
        cut()
    assert cut.memory.deleting
    run.pool.lose_connection = lambda number: False
    back = Run(run.pool, THREE, cut.memory)
    assert all(volume.started for volume in back().volumes)
    assert back.memory.deleting == {}
    del run.pool.peers["a"].cluster.volumes["safe"]
    Run(run.pool, {**THREE, "volumes": THREE["volumes"][:1]}, back.memory)()
    assert all(p.folder("/mnt/brick1/safe")["data"] == "yes" for p in run.pool.peers.values())


def test_a_folder_that_is_not_the_volume_s_stays() -> None:
    run = installed()
    run.pool.peers["b"].folder("/mnt/brick1/safe")["id"] = "ab" * 16
    gone = Run(run.pool, WITHOUT, run.memory)
    gone()
    assert "b:/mnt/brick1/safe does not show the volume's id; what is there now stays" in gone.text
    assert run.pool.peers["b"].folder("/mnt/brick1/safe")["data"] == "yes"
    assert run.pool.peers["c"].folder("/mnt/brick1/safe")["kind"] == "absent"


def test_a_brick_on_a_peer_that_values_do_not_list_refuses_it() -> None:
    run = installed()
    with pytest.raises(Refused, match=r"cannot be deleted with its data: 10.0.0.3:/mnt/brick1/safe is on a peer that"):
        Run(run.pool, {**WITHOUT, "nodes": THREE["nodes"][:2]}, run.memory)()
    assert run.pool.peers["a"].cluster.volumes["safe"].started
