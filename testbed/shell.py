"""Running commands, waiting for conditions, locks, folders that appear whole or not at all."""

import fcntl
import os
import shlex
import subprocess
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from testbed.config import ClusterError, cache_folder, patience
from testbed.progress import step

# A builder runs in a process and mount namespace of its own that dies with this process, so that neither Ctrl-C nor
# kill -9 leaves a compiler running or a mount behind.
CONTAINED = ("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")


def run(
    command: Sequence[str | Path],
    *,
    text: str = "",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    contained: bool = False,
    check: bool = True,
    log: Path | None = None,
    routine: Container[str] = (),
) -> subprocess.CompletedProcess[str]:
    """Run a command with `text` as its input; when it fails, say which command it was and its last words.

    What it writes to stderr can be read from the file `log` meanwhile; lines of `routine` are no last words.
    """
    # Without root there is no native cluster, only kind, whose builders are Docker's.
    argv = [*(CONTAINED if contained and os.geteuid() == 0 else ()), *map(str, command)]
    environment = None if env is None else {**os.environ, **env}
    try:
        with log.open("w") if log else nullcontext(subprocess.PIPE) as errors:
            done = subprocess.run(
                argv,
                input=text,
                env=environment,
                cwd=cwd,
                stdout=subprocess.PIPE,
                stderr=errors,
                check=False,
                encoding="utf-8",
                errors="replace",
            )
    except FileNotFoundError as error:
        raise ClusterError(f"{error.filename} is not there. Install it and run the command again.") from error
    if log:
        done.stderr = log.read_text(encoding="utf-8", errors="replace")
    if check and done.returncode:
        words = [line for line in done.stderr.strip().splitlines() if line not in routine]
        last = "\n".join((words or done.stdout.strip().splitlines())[-15:])
        raise ClusterError(f"This command failed with exit code {done.returncode}:\n  {shlex.join(argv)}\n{last}")
    return done


def wait_for(what: str, condition: Callable[[], bool], *, seconds: float, hint: str) -> None:
    """Poll until the condition holds. `hint` says where to look when it never does; see config.patience."""
    seconds *= patience()
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise ClusterError(
                f"Waited {seconds:.0f} s in vain for {what}. {hint} A slow machine needs TESTBED_PATIENCE=5 or more."
            )
        time.sleep(0.1)


@contextmanager
def lock(name: str) -> Iterator[None]:
    """One at a time on this machine, over all checkouts. The lock ends with its process, however that ends."""
    folder = cache_folder() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with step(f"waiting for another testbed command, which is at {name}", slow=True):
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """A folder to fill that gets its name only when it is whole. The caller holds the lock over it."""
    draft = target.with_name(target.name + ".draft")
    remove_tree(draft)
    draft.mkdir(parents=True)
    yield draft
    remove_tree(target)
    draft.rename(target)


def make_once(target: Path, what: str, make: Callable[[Path], None], *, lock_name: str, slow: bool = True) -> Path:
    """The folder `target`; if it is not there it is made, by one process at a time and whole or not at all."""
    if not target.exists():
        with lock(lock_name):
            if not target.exists():
                with step(what, slow=slow), appearing(target) as draft:
                    make(draft)
    return target


def remove_tree(folder: Path) -> None:
    """rm -rf, which is several times as quick as shutil on the 10,000s of files of a node."""
    if folder.exists() or folder.is_symlink():
        run(["rm", "-rf", "--one-file-system", folder])
