"""Sessions of the gluster command line, against a runner that plays back what a real CLI printed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from hooks.gluster.runner import ExecResult, OutcomeUnknown, PeerUnavailable
from hooks.gluster.session import (
    SLOW,
    TIMEOUT,
    Command,
    fail_fast_per_volume,
    session,
    session_with_host_info,
)
from tests.unit.here import Here

DATA = Path(__file__).parent.parent / "data" / "gluster-11.1"


class Playback:
    """Answers each exec with the next result, and keeps what was sent on stdin."""

    def __init__(self, *results: ExecResult) -> None:
        self.results = list(results)
        self.sent: list[list[str]] = []

    def run(self, peer: str, argv: Sequence[str], stdin: str = "", timeout: float = 60) -> ExecResult:
        self.sent.append(stdin.splitlines())
        return self.results.pop(0)


def captured(*names: str, exit_code: int = 0, stderr: str = "") -> ExecResult:
    return ExecResult("".join((DATA / f"{name}.xml").read_text() for name in names), stderr, exit_code)


def test_one_document_a_command() -> None:
    runner = Playback(captured("peer_status", "volume_create_replica3", "volume_start_already"))
    replies = session(runner, "a", ["peer status", "volume create v a:/b", "volume start v"])
    assert [reply.ok for reply in replies] == [True, True, False]
    assert replies[2].message == "Volume rep3 already started"
    assert replies[2].command == "volume start v"
    assert len(runner.sent) == 1


def test_the_rest_goes_into_a_further_session() -> None:
    usage = ExecResult("", "\nUsage:\nvolume set <VOLNAME> <KEY> <VALUE>\n", 1)
    runner = Playback(captured("volume_set_one", exit_code=1), usage, captured("volume_start_fresh_rep3"))
    replies = session(runner, "a", ["volume set v k v", "volume set v k", "volume start v"])
    assert [reply.ok for reply in replies] == [True, False, True]
    assert replies[1].message == "Usage: volume set <VOLNAME> <KEY> <VALUE>"
    assert runner.sent == [
        ["volume set v k v", "volume set v k", "volume start v"],
        ["volume set v k", "volume start v"],
        ["volume start v"],
    ]


# Refuses what has `bad` in it as most refusals go, and ends at `usage`, as the real one does (measured).
GLUSTER = """#!/bin/bash
while IFS= read -r line; do
  echo "$line" >> "$TRIED"
  case $line in *usage*) echo Usage: >&2; exit 1 ;; *bad*) ret=-1 ;; *) ret=0 ;; esac
  printf '<?xml version="1.0"?>\\n<cliOutput>\\n  <opRet>%s</opRet>\\n</cliOutput>\\n' "$ret"
done
"""


@pytest.fixture
def here(tmp_path: Path) -> Here:
    """This machine, with that `gluster`."""
    (tmp_path / "gluster").write_text(GLUSTER)
    (tmp_path / "gluster").chmod(0o755)
    return Here(PATH=f"{tmp_path}:{os.environ['PATH']}", TRIED=str(tmp_path / "tried"))


@pytest.mark.parametrize("word", ["bad", "usage"])
def test_commands_of_a_volume_end_with_the_first_that_is_refused(here: Here, tmp_path: Path, word: str) -> None:
    texts = ["volume create a", "volume create b", f"volume set a {word}", "volume start a", "volume start b"]
    commands = [Command(tuple(text.split()), volume=text.split()[2]) for text in texts]
    replies = fail_fast_per_volume(here, "x", commands)
    assert [reply.ok for reply in replies] == [True, True, False, False, True]
    assert replies[3].message == "not tried after the one before"
    assert "volume start a" not in (tmp_path / "tried").read_text().splitlines()
    assert (tmp_path / "tried").read_text().splitlines().count("volume start b") == 1


def test_commands_that_belong_to_no_volume_do_not_end_with_one_another(here: Here, tmp_path: Path) -> None:
    commands = [Command(("peer", "probe", name)) for name in ("bad", "b", "b")]
    commands += [Command(("volume", "start", "v"), "v"), Command(("volume", "stop", "v"), "v")]
    replies = fail_fast_per_volume(here, "x", commands)
    assert [reply.ok for reply in replies] == [False, True, True, True, True]
    assert (tmp_path / "tried").read_text().splitlines() == [str(command) for command in commands]


@pytest.mark.parametrize("argument", ["a b", "", "a\nvolume stop v", "a\t"])
def test_a_command_s_arguments_have_no_space(argument: str) -> None:
    with pytest.raises(ValueError, match="no argument that is empty or has a space"):
        Command(("volume", "start", argument))


@pytest.mark.parametrize(
    ("argv", "output", "code"),
    [([], "", 0), (["printf", "%s\n", "a b", "c"], "a b\nc\n", 0), (["sh", "-c", "echo @; exit 3"], "@\n", 3)],
)
def test_a_peer_says_its_addresses_and_answers_in_one_exec(here: Here, argv: list[str], output: str, code: int) -> None:
    said = session_with_host_info(here, "x", ["peer status", "volume info"], argv=argv)
    own = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=True).stdout
    assert said.addresses == set(own.split())
    assert (said.result.stdout, said.result.exit_code) == (output, code)
    assert [reply.ok for reply in said.replies] == [True, True]


def test_what_takes_long_has_more_time() -> None:
    limits: list[float] = []

    class Clock(Playback):
        def run(self, peer: str, argv: Sequence[str], stdin: str = "", timeout: float = 60) -> ExecResult:
            limits.append(timeout)
            return super().run(peer, argv, stdin, timeout)

    commands = ["volume info", "volume rebalance v start", "volume rebalance w start", "volume stop w"]
    session(Clock(captured(*["peer_status"] * len(commands))), "x", commands)
    session(Clock(captured("peer_status")), "x", ["volume info"])
    assert limits == [TIMEOUT + 3 * SLOW + 10, TIMEOUT + 10]


def test_glusterd_down_is_not_a_failed_command() -> None:
    down = ExecResult("Connection failed. Please check if gluster daemon is operational.\n", "", 1)
    with pytest.raises(PeerUnavailable, match="glusterd on a does not answer"):
        session(Playback(down), "a", ["peer status"])


def test_glusterd_that_dies_in_the_middle() -> None:
    output = captured("peer_status").stdout + "Connection failed. Please check if gluster daemon is operational.\n"
    with pytest.raises(PeerUnavailable, match="volume info"):
        session(Playback(ExecResult(output, "", 1)), "a", ["peer status", "volume info"])


@pytest.mark.parametrize("result", [ExecResult("", "", 124), ExecResult("Error : Request timed out\n", "", 1)])
def test_a_command_that_did_not_end_may_have_had_its_effect(result: ExecResult) -> None:
    with pytest.raises(OutcomeUnknown, match="volume start v"):
        session(Playback(result), "a", ["volume start v"])


@pytest.mark.parametrize("name", ["volume_start_already", "peer_probe_has_volumes", "volume_set_invalid_key"])
def test_a_refusal_is_final(name: str) -> None:
    (reply,) = session(Playback(captured(name)), "a", ["x"])
    assert not reply.ok
    assert not reply.retriable


@pytest.mark.parametrize(
    ("errno", "message"),
    [
        ("30802", "of which only the number tells"),
        ("30800", "Another transaction is in progress for rep3. Please try again after some time."),
        ("30800", "Locking failed on 10.0.0.2. Please check log file for details."),
        ("30800", "Commit failed on 10.0.0.2. Please try again"),
    ],
)
def test_a_lock_may_be_tried_again(errno: str, message: str) -> None:
    text = (DATA / "volume_start_already.xml").read_text()
    locked = text.replace("30800", errno).replace("Volume rep3 already started", message)
    assert locked != text
    (reply,) = session(Playback(ExecResult(locked, "", 0)), "a", ["volume start v"])
    assert reply.retriable


def test_success_is_not_to_be_repeated() -> None:
    text = (DATA / "volume_start_fresh_rep3.xml").read_text().replace("<opErrno>0<", "<opErrno>30802<")
    assert "30802" in text
    (reply,) = session(Playback(ExecResult(text, "", 0)), "a", ["volume start v"])
    assert not reply.retriable
