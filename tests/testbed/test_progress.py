"""What a person sees while something takes long, on a terminal and in a log file, and what is left when it fails."""

import os
import pty
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from testbed import progress
from testbed.config import ClusterError
from testbed.shell import run, wait_for
from tests.testbed.helpers import REPOSITORY

TWO_STEPS = """
import time
from testbed import progress
progress.LOG_SECONDS = 1.0
with progress.step("outer: that takes long", slow=True):
    with progress.showing(lambda: "3 of 9 packages"):
        time.sleep(1.8)
    with progress.step("inner", slow=True):
        time.sleep(0.8)
"""


def screen(text: str) -> list[str]:
    """The lines that a terminal shows at the end of these characters; each rewriting begins by clearing its line."""
    return [line.rpartition("\r\x1b[K")[2] for line in text.split("\r\n")[:-1]]


def on_a_terminal(program: str, columns: int = 50, **environment: str) -> str:
    """Everything that the program writes to a terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        termios.tcsetwinsize(0, (24, columns))
        os.chdir(REPOSITORY)
        os.execve(sys.executable, [sys.executable, "-c", program], {**os.environ, "TERM": "xterm", **environment})
    written = b""
    while True:
        try:
            written += os.read(terminal, 4096)
        except OSError:  # the program has ended
            break
    os.close(terminal)
    assert os.waitpid(pid, 0)[1] == 0
    return written.decode()


def test_in_a_log_file_there_is_a_line_whenever_nothing_was_told_for_a_while() -> None:
    done = subprocess.run([sys.executable, "-c", TWO_STEPS], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert "\r" not in done.stderr
    begun, between, *_, inner, outer = done.stderr.splitlines()
    assert begun == "      ...  outer: that takes long"
    assert between.startswith("      ...  outer: 3 of 9 packages, ")
    assert (inner[11:], outer[11:]) == ("inner", "outer: that takes long")


def test_of_a_step_that_is_soon_done_a_log_file_has_one_line() -> None:
    program = "import time; from testbed.progress import step\nwith step('quick'): time.sleep(0.8)"
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert [line[11:] for line in done.stderr.splitlines()] == ["quick"]


def test_on_a_terminal_one_line_is_rewritten_and_nothing_of_it_stays() -> None:
    written = on_a_terminal(TWO_STEPS)
    assert "\r\x1b[K" in written
    assert "outer: 3 of 9 packages, 1 s" in written
    assert "; inner, " in written
    assert all(len(line) < 50 for line in written.replace("\x1b[K", "").replace("\n", "").split("\r"))
    assert [line[11:] for line in screen(written)] == [
        "outer: that takes long",
        "inner",
        "inner",
        "outer: that takes long",
    ]


def test_a_terminal_that_does_not_know_its_width_is_taken_for_an_ordinary_one() -> None:
    assert "outer: 3 of 9 packages, 1 s" in on_a_terminal(TWO_STEPS, columns=0)


def test_a_terminal_that_cannot_rewrite_is_a_log_file() -> None:
    assert "\x1b" not in on_a_terminal(TWO_STEPS, TERM="dumb")


def test_a_step_that_failed_is_not_told_as_done(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ClusterError), progress.step("nothing", slow=True):
        raise ClusterError("it failed")
    assert capfd.readouterr().err == "      ...  nothing\n"


def test_last_words_are_not_the_names_of_what_was_compiled_after_them(tmp_path: Path) -> None:
    """`go build -v` goes on with other packages after an error."""
    script = "echo one >&2; echo 'main.go:7: undefined: x' >&2; for i in $(seq 30); do echo two >&2; done; exit 3"
    with pytest.raises(ClusterError, match=r"exit code 3:\n.*\nmain\.go:7: undefined: x$"):
        run(["sh", "-c", script], log=tmp_path / "log", routine={"one", "two"})


def test_what_a_command_writes_can_be_read_meanwhile_and_it_dies_with_the_test_bed(tmp_path: Path) -> None:
    log, mark = tmp_path / "log", f"6{os.getpid()}"
    command = ["sh", "-c", f"echo a >&2; sleep {mark}"]
    program = f"from pathlib import *; from testbed.shell import *; run({command}, log={log!r}, contained=True)"
    with subprocess.Popen([sys.executable, "-c", program], cwd=REPOSITORY) as running:
        while not log.exists() or log.read_text() != "a\n":
            assert running.poll() is None
            time.sleep(0.05)
        running.send_signal(signal.SIGKILL)

    def gone() -> bool:
        return subprocess.run(["pgrep", "-f", f"sleep {mark}"], check=False).returncode == 1

    wait_for("its end", gone, seconds=5, hint="")
