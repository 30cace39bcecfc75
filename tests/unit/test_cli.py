"""How commands end: what was printed, and the exit code."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from kubernetes.client.exceptions import ApiException

from hooks import cli
from hooks.gluster.runner import OutcomeUnknown, PeerUnavailable
from hooks.gluster.session import GlusterError, Reply
from hooks.kube.client import ClusterError
from hooks.kube.lease import Locked
from hooks.run.endings import (
    MEANINGS,
    CannotRead,
    Changed,
    CommandFailed,
    Ending,
    ExitCode,
    LeaseLost,
    OutOfTime,
    PlanOnly,
    Refused,
)
from hooks.run.report import Report
from hooks.values.model import ValuesError

README = Path(__file__).parents[2] / "README.md"
FAILED = Reply("volume start v", -1, 30800, "it is started")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Refused("no"), 1),
        (ValuesError(["nodes: an empty list"]), 1),
        (OutOfTime("late"), 3),
        (Locked("gluster-converge-x", "gluster-hook"), 4),
        (LeaseLost(), 4),
        (CommandFailed("no space"), 5),
        (GlusterError("a", FAILED), 5),
        (CannotRead(OSError("gone"), Changed.NOTHING), 6),
        (PeerUnavailable("a is away"), 6),
        (OutcomeUnknown("the connection broke"), 6),
        (ClusterError("no route"), 6),
        (ApiException(status=403, reason="forbidden"), 6),
        (PlanOnly("The plan for 3 peers: 1 step."), 7),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_each_ending_has_its_exit_code_and_its_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, code: int
) -> None:
    def end(args: argparse.Namespace, report: Report) -> ExitCode:
        raise error

    monkeypatch.setattr(cli, "_plan", end)
    assert cli.main(["plan", "-f", "values.yaml"]) == code
    words = str(error.reason) if isinstance(error, ApiException) else str(error)
    assert words in capsys.readouterr().out


def test_what_nobody_expected_keeps_its_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python itself would exit with 1, the code of what is refused."""

    def end(args: argparse.Namespace, report: Report) -> ExitCode:
        raise KeyError("a")

    monkeypatch.setattr(cli, "_plan", end)
    assert cli.main(["plan", "-f", "values.yaml"]) == ExitCode.UNFORESEEN
    printed = capsys.readouterr()
    assert "Traceback" in printed.err
    assert "an error of its own, KeyError: 'a'" in printed.out


def test_every_ending_has_a_code_of_its_own() -> None:
    codes = [ending.exit_code for ending in Ending.__subclasses__()]
    assert len(codes) == 6
    assert len({*codes, ExitCode.DONE, ExitCode.CHANGES, ExitCode.USAGE}) == 9


def test_wrong_arguments_are_told_from_changes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["certificates"])
    assert ended.value.code == ExitCode.USAGE
    assert "the following arguments are required: secret" in capsys.readouterr().err


def test_help_and_readme_list_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    printed, written = capsys.readouterr().out, README.read_text()
    assert {*MEANINGS} == {*ExitCode}
    for code, meaning in MEANINGS.items():
        assert f"{code:>2}  {meaning}" in printed
        assert f"| {code} | {meaning} |" in written
