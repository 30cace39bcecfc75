"""The line of a Job that Helm prints, and the command line that leaves it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hooks import cli
from hooks.kube.client import ClusterError
from hooks.run.outcome import LONGEST, leave, one_line

LOGS = "kubectl -n storage logs job/gluster-guard"
ASKED = ["delete-guard", "--driver", "gluster.storage.glusterfs", "-n", "storage"]

REFUSED = """\
Refused, nothing was changed: 2 reasons.
  - c was taken out of `nodes`, but its peer holds bricks of "safe". Put it back.
  - The volume safe is replica 3 in the pool, the values ask for replica 2.
  Note: 10.0.0.3 is a peer of the pool but not in `nodes`: kept as it is.
Mend it."""


def test_reasons_are_kept_and_no_line_break_or_quote_that_helm_4_would_escape() -> None:
    assert one_line(REFUSED) == (
        "Refused, nothing was changed: 2 reasons. (1) c was taken out of `nodes`, but its peer holds bricks of 'safe'. "
        "Put it back. (2) The volume safe is replica 3 in the pool, the values ask for replica 2. Mend it."
    )


def test_of_a_plan_there_is_the_sentence() -> None:
    plan = (
        "The plan for 3 peers: 1 step.\n  Join the peers:\n    gluster peer probe 10.0.0.2   # on a\nNot carried out."
    )
    assert one_line(plan) == "The plan for 3 peers: 1 step. Not carried out."


def test_a_long_list_is_cut_and_what_comes_after_it_is_not() -> None:
    pods = "\n".join(f"  - default/web-{number} (claim data-{number})" for number in range(100))
    line = one_line(f"Refused: 100 pods.\n{pods}\nDelete them.")
    assert len(line) < LONGEST + 200
    assert line.startswith("Refused: 100 pods. (1) default/web-0 (claim data-0) (2) default/web-1 ")
    assert line.endswith("(30) default/web-29 (claim data-29) and 70 more. Delete them.")


def told(file: Path) -> tuple[int, str]:
    """What the container after the one that did the work ends with and prints, as the chart starts it."""
    argv = [sys.executable, "-m", "hooks.run.outcome", str(file), LOGS]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert not done.stderr
    return done.returncode, done.stdout


@pytest.mark.parametrize(("code", "end"), [(0, ""), (1, f" The whole report: `{LOGS}`.")])
def test_the_next_container_prints_it_and_ends_as_the_work_did(tmp_path: Path, code: int, end: str) -> None:
    leave(tmp_path / "outcome", code, REFUSED)
    assert told(tmp_path / "outcome") == (code, f"{one_line(REFUSED)}{end}\n")


@pytest.mark.parametrize(
    ("error", "code", "told_as"),
    [
        (ClusterError("There is no such cluster."), 6, "There is no such cluster."),
        (RuntimeError("a\nb"), 70, "The hook ended with an error of its own, RuntimeError: a b"),
    ],
    ids=["in words", "unforeseen"],
)
def test_every_error_is_told(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    error: Exception,
    code: int,
    told_as: str,
) -> None:
    def fails(*_: Any) -> None:
        raise error

    monkeypatch.setattr(cli, "KubeClient", fails)
    assert cli.main([*ASKED, "--outcome", str(tmp_path / "outcome")]) == 0
    assert told(tmp_path / "outcome") == (code, f"{told_as} The whole report: `{LOGS}`.\n")
    written = capfd.readouterr()
    assert str(error) in written.out
    assert ("Traceback" in written.err) == isinstance(error, RuntimeError)


def test_without_a_container_after_it_the_exit_code_is_the_work_s(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise ClusterError("There is no such cluster.")

    monkeypatch.setattr(cli, "KubeClient", fails)
    assert cli.main(ASKED) == 6
