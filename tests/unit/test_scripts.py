"""The scripts that run in a peer, each on real folders and processes of the test's own."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from hooks.gluster import scripts
from hooks.gluster.checksums import Copy, copies
from hooks.gluster.runner import ExecResult
from hooks.gluster.session import at_addresses
from tests.unit.fake_pool import FakePool
from tests.unit.fake_pool.scripts import KNOWN
from tests.unit.here import Here
from tests.unit.sandbox import Sandbox, ended

FOLDER = Path(scripts.__file__).parent
NAMES = sorted(file.name for file in FOLDER.glob("*.sh") if file.name != "functions.sh")
ID, OTHER_ID = "6a1bd0c5-8f7a-4b0e-9c55-0c2f6f0a1d3e", "00000000-0000-4000-8000-000000000000"
ATTRIBUTE = "trusted.glusterfs.volume-id"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: namespaces, and attributes named trusted.*")
needs_attr = pytest.mark.skipif(
    subprocess.run(["which", "getfattr", "setfattr"], capture_output=True, check=False).returncode != 0,
    reason="needs getfattr and setfattr (Debian's package attr)",
)


def run(name: str, *arguments: str, stdin: str = "", **environment: str) -> ExecResult:
    """Run a script on this machine. None that ends processes: those run in a sandbox."""
    assert "end_glusterd" not in (FOLDER / name).read_text()
    assert name != "stop-self-heal-daemon.sh"
    return Here(**environment).run("here", scripts.argv(name, *arguments), stdin)


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str, str], str]:
    """Makes a program of this name and Bash text, and returns the PATH that finds it first."""
    folder = tmp_path / "programs"

    def make(name: str, text: str) -> str:
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(f"#!/bin/bash\n{text}\n")
        (folder / name).chmod(0o755)
        return f"{folder}:{os.environ['PATH']}"

    return make


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


@pytest.fixture
def state(tmp_path: Path, sandbox: Sandbox) -> Path:
    """The state folder of the sandbox's peer."""
    folder = tmp_path / "the peer's state"
    folder.mkdir()
    sandbox.environment["STATE"] = str(folder)
    return folder


@pytest.fixture
def brick(tmp_path: Path) -> Path:
    """A brick's folder when all data has left it: directories, gluster's own files, pointers to where files are."""
    folder = tmp_path / "brick [1]* of 'x' \"y\" $z"
    (folder / ".glusterfs/00").mkdir(parents=True)
    (folder / ".glusterfs/00/file").write_text("gluster's own")
    (folder / "shared").mkdir()
    (folder / "shared").chmod(0o1777)
    (folder / "shared/pointer").touch()
    (folder / "shared/pointer").chmod(0o1000)
    return folder


def mark(folder: Path, volume_id: str = ID) -> None:
    os.setxattr(folder, ATTRIBUTE, bytes.fromhex(volume_id.replace("-", "")))


def put_file(folder: Path) -> Path:
    file = folder / "shared/a file"
    file.write_text("data")
    return file


# How scripts are called


@pytest.mark.parametrize("name", NAMES)
def test_a_script_stops_at_the_first_failure_and_says_how_it_is_used(name: str) -> None:
    text = (FOLDER / name).read_text()
    assert text.startswith("#!/bin/bash\n# ")
    assert "\nset -euo pipefail\n" in text
    assert f"\n# Usage: {name}" in text


def test_the_in_memory_pool_knows_every_script() -> None:
    assert sorted(KNOWN) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_script_is_sent_whole_and_short(name: str) -> None:
    bash, option, text, shown, *arguments = scripts.argv(name, "a b", "")
    assert (bash, option, shown, arguments) == ("bash", "-c", name, ["a b", ""])
    assert not re.search(r"^(source|\.) ", text, re.MULTILINE)
    assert len(quote(text)) < 3000, "two of them, with thirty paths, are one URL"


def test_a_script_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing\.sh"):
        scripts.argv("nothing.sh")


def test_a_script_is_shown_as_a_shell_takes_it() -> None:
    assert scripts.shown("restart-glusterd.sh") == "restart-glusterd.sh"
    assert scripts.shown("heal.sh", ["it's a", "$(b)"]) == """heal.sh 'it'"'"'s a' '$(b)'"""


# A peer's state and its glusterd


@needs_root
def test_a_peer_gets_its_identity_and_the_others_and_starts_anew(sandbox: Sandbox, state: Path) -> None:
    glusterd, named_so = sandbox.start("glusterd"), sandbox.start("editor", "glusterd")
    others = ("u-2,10.0.0.2,b.example", "u-3,it's c")
    result = sandbox.run(scripts.argv("restore-identity.sh", "u-1", "110000", *others))
    assert result == ExecResult("", "", 0)
    assert (state / "glusterd.info").read_text() == "UUID=u-1\noperating-version=110000\n"
    assert (state / "peers/u-2").read_text() == "uuid=u-2\nstate=3\nhostname1=10.0.0.2\nhostname2=b.example\n"
    assert (state / "peers/u-3").read_text() == "uuid=u-3\nstate=3\nhostname1=it's c\n"
    assert sorted(file.name for file in state.iterdir()) == ["glusterd.info", "peers", "taking-over"]
    assert ended(glusterd)
    assert not ended(named_so)


@needs_root
@pytest.mark.parametrize("obstacle", ["peers/u-2", "glusterd.info.new", "taking-over"])
def test_a_peer_goes_on_as_it_is_if_its_identity_cannot_be_written(
    sandbox: Sandbox, state: Path, obstacle: str
) -> None:
    glusterd = sandbox.start("glusterd")
    if obstacle == "taking-over":
        state.rmdir()  # nothing can be written: no state folder is mounted
    else:
        (state / obstacle).mkdir(parents=True)
    result = sandbox.run(scripts.argv("restore-identity.sh", "u-1", "110000", "u-2,b"))
    assert result.exit_code
    assert result.stderr
    assert not (state / "glusterd.info").exists()
    assert not ended(glusterd)


@needs_root
@pytest.mark.parametrize("marked", [True, False])
def test_a_peer_starts_anew_and_forgets_that_it_took_over(sandbox: Sandbox, state: Path, marked: bool) -> None:
    glusterd = sandbox.start("/usr/sbin/glusterd")
    if marked:
        (state / "taking-over").touch()
    assert sandbox.run(scripts.argv("restart-glusterd.sh")) == ExecResult("", "", 0)
    assert not list(state.iterdir())
    assert ended(glusterd)


@needs_root
def test_where_no_glusterd_runs_none_was_ended(sandbox: Sandbox, state: Path) -> None:
    assert sandbox.run(scripts.argv("restart-glusterd.sh")) == ExecResult("", "No glusterd runs here.\n", 1)


@needs_root
def test_a_rejected_peer_sets_volumes_aside_and_starts_anew(sandbox: Sandbox, state: Path) -> None:
    """One of them is called as the daemon is, and so is an argument of the script."""
    for volume in ("kept", "one", "glusterd"):
        (state / "vols" / volume).mkdir(parents=True)
        (state / "vols" / volume / "info").write_text(volume)
    glusterd = sandbox.start("glusterd")
    assert sandbox.run(scripts.argv("set-aside-volumes.sh", "one", "glusterd")) == ExecResult("", "", 0)
    assert [folder.name for folder in (state / "vols").iterdir()] == ["kept"]
    moved = {folder.name.split(".")[0]: (folder / "info").read_text() for folder in (state / "removed").iterdir()}
    assert moved == {"one": "one", "glusterd": "glusterd"}
    assert ended(glusterd)


@needs_root
@pytest.mark.parametrize("volumes", [("missing", "one"), ("one", "missing")])
def test_a_rejected_peer_goes_on_if_a_volume_cannot_be_set_aside(
    sandbox: Sandbox, state: Path, volumes: tuple[str, ...]
) -> None:
    (state / "vols/one").mkdir(parents=True)
    glusterd = sandbox.start("glusterd")
    result = sandbox.run(scripts.argv("set-aside-volumes.sh", *volumes))
    assert result.exit_code
    assert "vols/missing" in result.stderr
    assert not ended(glusterd)


@needs_root
def test_a_self_heal_daemon_is_stopped_and_nothing_else(sandbox: Sandbox) -> None:
    daemon = sandbox.start("/usr/sbin/glusterfs", "--volfile-id", "shd/v")
    others = [
        sandbox.start("/usr/sbin/glusterfsd", "--volfile-id", "v.10.0.0.1.mnt-brick1-shd"),
        sandbox.start("glusterd"),
    ]
    assert sandbox.run(scripts.argv("stop-self-heal-daemon.sh")) == ExecResult("", "", 0)
    assert ended(daemon)
    assert not any(map(ended, others))


@needs_root
def test_a_self_heal_daemon_that_takes_a_moment_is_waited_for(sandbox: Sandbox) -> None:
    ends = "trap 'sleep 0.5; exit' TERM; for ((;;)); do sleep 0.05; done"
    daemon = sandbox.start("/usr/sbin/glusterfs", "shd/v", does=ends)
    assert sandbox.run(scripts.argv("stop-self-heal-daemon.sh")) == ExecResult("", "", 0)
    assert daemon.wait(timeout=0.2) is not None


@needs_root
def test_no_self_heal_daemon_is_no_failure(sandbox: Sandbox) -> None:
    assert sandbox.run(scripts.argv("stop-self-heal-daemon.sh")) == ExecResult("", "", 0)


@pytest.mark.parametrize("code", [0, 1])
def test_a_heal_is_asked_for(tmp_path: Path, program: Callable[[str, str], str], code: int) -> None:
    path = program("gluster", f'printf "%s\\n" "$@" >> "{tmp_path}/asked"; exit {code}')
    assert run("heal.sh", "a b", "c", PATH=path).exit_code == 0
    heal = ["--mode=script", "volume", "heal"]
    assert (tmp_path / "asked").read_text().splitlines() == [*heal, "a b", *heal, "c"]


# A brick's folder


@needs_root
@needs_attr
def test_a_brick_folder_goes_with_its_data(brick: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("not the brick's")
    (brick / "link").symlink_to(tmp_path / "elsewhere")
    put_file(brick)
    mark(brick)
    assert run("remove-brick-folder.sh", str(brick), ID) == ExecResult("", "", 0)
    assert not brick.exists()
    assert (tmp_path / "elsewhere").exists()


@needs_root
@needs_attr
@pytest.mark.parametrize("script", ["remove-brick-folder.sh", "remove-empty-brick-folder.sh"])
@pytest.mark.parametrize("shows", ["", OTHER_ID])
def test_a_folder_that_is_no_brick_of_the_volume_stays(brick: Path, script: str, shows: str) -> None:
    before = sorted(brick.rglob("*"))
    if shows:
        mark(brick, shows)
    result = run(script, str(brick), ID)
    assert result.exit_code == 1
    assert str(brick) in result.stderr
    assert shows.replace("-", "") in result.stderr
    assert sorted(brick.rglob("*")) == before


@needs_root
@needs_attr
@pytest.mark.parametrize("script", ["remove-brick-folder.sh", "remove-empty-brick-folder.sh"])
def test_no_folder_is_a_failure(tmp_path: Path, script: str) -> None:
    result = run(script, str(tmp_path / "none"), ID)
    assert (result.exit_code, "none: No such file or directory" in result.stderr) == (1, True)


@needs_root
@needs_attr
def test_a_folder_that_its_set_has_left_goes_without_a_file(brick: Path) -> None:
    mark(brick)
    file = put_file(brick)
    assert run("remove-empty-brick-folder.sh", str(brick), ID) == ExecResult(
        "", f"{file} is still there: nothing was removed.\n", 1
    )
    assert file.exists()
    file.unlink()
    assert run("remove-empty-brick-folder.sh", str(brick), ID) == ExecResult("", "", 0)
    assert not brick.exists()


@needs_root
@needs_attr
def test_a_folder_that_cannot_be_read_is_not_empty(brick: Path, program: Callable[[str, str], str]) -> None:
    mark(brick)
    path = program("find", "echo 'find: Input/output error' >&2; exit 1")
    for script, *arguments in (["remove-empty-brick-folder.sh", ID], ["check-no-files.sh", "v", "a:/b"]):
        assert run(script, str(brick), *arguments, PATH=path) == ExecResult("", "find: Input/output error\n", 1)
    assert brick.exists()
    (line,) = run("inspect-folders.sh", str(brick), PATH=path).stdout.splitlines()
    assert (json.loads(line)["kind"], json.loads(line)["data"]) == ("filled", True)


def test_a_brick_without_data_may_leave(brick: Path) -> None:
    assert run("check-no-files.sh", str(brick), "v", "a:/b", "c:/d") == ExecResult("", "", 0)


@pytest.mark.parametrize(
    ("mode", "text"), [(0o644, ""), (0o1777, "data"), (0o3644, "half moved"), (0o1000, "data"), (0o1755, "")]
)
def test_every_file_is_data_but_a_pointer(brick: Path, mode: int, text: str) -> None:
    file = brick / "shared/file"
    file.write_text(text)
    file.chmod(mode)
    assert run("check-no-files.sh", str(brick), "v", "a:/b", "c:/d") == ExecResult(
        "",
        f"{file} has not been moved. End this attempt with 'gluster volume remove-brick v a:/b c:/d stop'; the next "
        "upgrade begins anew.\n",
        1,
    )


@pytest.mark.parametrize("name", [".glusterfs", "shared/.glusterfs"])
def test_only_the_brick_s_own_glusterfs_is_not_searched(brick: Path, name: str) -> None:
    (brick / name).mkdir(exist_ok=True)
    (brick / name / "file").write_text("data")
    assert run("check-no-files.sh", str(brick), "v", "a:/b").exit_code == int(name != ".glusterfs")


def test_what_is_no_regular_file_is_data_too(brick: Path) -> None:
    link = brick / "shared/link"
    link.symlink_to("nowhere")
    assert str(link) in run("check-no-files.sh", str(brick), "v", "a:/b").stderr


@needs_root
@needs_attr
@pytest.mark.parametrize("inside", ["", ".glusterfs/indices/dirty"])
def test_what_a_failed_create_left_is_removed(tmp_path: Path, inside: str) -> None:
    folder = tmp_path / "left by 'it'"
    (folder / inside).mkdir(parents=True)
    mark(folder)
    assert run("clean-failed-create.sh", str(folder)) == ExecResult("", "", 0)
    assert not folder.exists()


@needs_root
@needs_attr
def test_a_file_stays_where_a_create_failed(brick: Path) -> None:
    mark(brick)
    file = put_file(brick)
    result = run("clean-failed-create.sh", str(brick))
    assert (result.exit_code, "not empty" in result.stderr) == (1, True)
    assert file.read_text() == "data"
    assert (brick / ".glusterfs/00/file").exists()


@needs_root
@needs_attr
def test_a_folder_without_a_volume_id_is_not_what_a_create_left(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    result = run("clean-failed-create.sh", str(tmp_path / "folder"))
    assert (result.exit_code, "No such attribute" in result.stderr) == (1, True)
    assert (tmp_path / "folder").exists()


@needs_root
@needs_attr
@pytest.mark.parametrize("kind", ["absent", "other", "empty", "filled", "data"])
@pytest.mark.parametrize("shows", ["", ID])
@pytest.mark.parametrize("script", sorted(name for name in KNOWN if name.startswith(("remove-", "clean-", "check-"))))
def test_the_in_memory_pool_runs_them_with_the_same_end(tmp_path: Path, script: str, kind: str, shows: str) -> None:
    """There getfattr and setfattr are stand-ins that need no root."""
    folder = tmp_path / "brick"
    if kind == "other":
        folder.touch()
    elif kind != "absent":
        folder.mkdir()
    if kind in ("filled", "data"):
        (folder / ".glusterfs/indices").mkdir(parents=True)
    if kind == "data":
        (folder / "file").write_text("data")
    if shows and kind != "absent":
        mark(folder, shows)
    arguments = {"remove": [ID], "check": ["v", "a:/b"], "clean": []}[script.split("-", maxsplit=1)[0]]
    pool = FakePool("a")
    peer = pool.peers["a"]
    fake = peer.folder(str(folder))
    fake.update(kind="filled" if kind == "data" else kind, data="yes" if kind == "data" else "no")
    fake.update(id=shows.replace("-", "") if kind != "absent" else "")
    result = pool.run("a", ["timeout", "9", *scripts.argv(script, str(folder), *arguments)])
    real = run(script, str(folder), *arguments)
    assert (result.exit_code, result.stdout) == (real.exit_code, real.stdout)
    assert bool(result.stderr) == bool(real.stderr)
    assert (fake["kind"] == "absent") == (not folder.exists())
    if folder.exists():
        assert bool(fake["id"]) == (ATTRIBUTE in os.listxattr(folder))


# What the hook reads


def test_the_stored_copies_of_volumes(tmp_path: Path) -> None:
    folder = tmp_path / "the peer's state"
    for volume, info, cksum in (
        ("one", "type=0\nversion=3\n", "info=123\n"),
        ("two", "version=12\nop-version=7\n", "info=456\n"),
        ("cut", "", "info=7\n"),
        ("short", "version=1\n", ""),
    ):
        (folder / "vols" / volume).mkdir(parents=True)
        (folder / "vols" / volume / "info").write_text(info)
        (folder / "vols" / volume / "cksum").write_text(cksum)
    (folder / "vols/none").mkdir()
    assert copies(Here(STATE=str(folder)), ["a"]) == {"a": {"one": Copy("3", "123"), "two": Copy("12", "456")}}


def test_a_peer_without_volumes_has_no_copies(tmp_path: Path) -> None:
    assert copies(Here(STATE=str(tmp_path)), ["a"]) == {"a": {}}


@needs_root
@needs_attr
@pytest.mark.parametrize("name", ["plain", "with 'a quote' and \\a backslash"])
def test_where_a_folder_lies(sandbox: Sandbox, tmp_path: Path, name: str) -> None:
    """On a disk of its own; on the root disk, as the state folder; on it as a mount of what has the same path there."""
    sandbox.environment["STATE"] = str(tmp_path)
    disk, mirrored = tmp_path / name, tmp_path / f"{name} mirrored"
    for folder in (disk, mirrored, tmp_path / "disk"):
        folder.mkdir()
    for where in (disk, tmp_path / "disk"):
        assert not sandbox.run(["mount", "-t", "tmpfs", "tmpfs", str(where)]).exit_code
    there = f"{tmp_path}/disk{mirrored}"
    assert not sandbox.run(["mkdir", "-p", there, f"{disk}/brick"]).exit_code
    assert not sandbox.run(["setfattr", "-n", ATTRIBUTE, "-v", f"0x{ID.replace('-', '')}", f"{disk}/brick"]).exit_code
    assert not sandbox.run(["mount", "--bind", there, str(mirrored)]).exit_code
    paths = [f"{disk}/brick", f"{disk}/none", f"{mirrored}/v", f"{tmp_path}/v", f"{tmp_path}/none/v"]
    lines = sandbox.run(scripts.argv("inspect-folders.sh", *paths)).stdout.splitlines()
    found = [json.loads(line) for line in lines]
    assert [(f["kind"], f["parent"], f["root_disk"]) for f in found] == [
        ("empty", True, False),
        ("absent", True, False),
        ("absent", True, True),
        ("absent", True, True),
        ("absent", False, False),
    ]
    assert [f["id"] for f in found[:2]] == [ID.replace("-", ""), ""]


# Sessions of gluster


@pytest.fixture
def listener() -> Iterator[int]:
    """A port at which connections are taken at 127.0.0.1 and 127.0.0.2."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        with socket.create_server(("127.0.0.2", port)):
            yield port


def test_a_session_begins_where_all_are_reachable(program: Callable[[str, str], str], listener: int) -> None:
    path = program("gluster", 'echo "$@"; cat')
    arguments = [str(listener), "127.0.0.1", "127.0.0.2"]
    result = run("require-reachable.sh", *arguments, stdin="volume info\n", PATH=path)
    assert result == ExecResult("--mode=script --xml\nvolume info\n", "", 0)


def test_unreachable_addresses_are_named_and_no_session_begins(
    program: Callable[[str, str], str], listener: int
) -> None:
    path = program("gluster", "echo a session")
    arguments = [str(listener), "127.0.0.1", "127.0.0.3", "127.0.0.2", "127.0.0.4"]
    for before, script in ([], "require-reachable.sh"), (["0"], "host-info.sh"):
        result = run(script, *before, *arguments, PATH=path)
        assert result.exit_code == 69
        assert sorted(result.stdout.splitlines()[-2:]) == ["127.0.0.3", "127.0.0.4"]
        assert "session" not in result.stdout


def test_every_glusterd_is_asked_from_one_peer(tmp_path: Path, program: Callable[[str, str], str]) -> None:
    """More than are asked at the same time; one says what no XML is."""
    answer = '<?xml version="1.0"?><cliOutput><opRet>0</opRet><output>%s at %s</output></cliOutput>'
    path = program(
        "gluster",
        f"""[ "$1" != --remote-host=10.0.0.7 ] || {{ echo Connection failed; exit 1; }}
        while read -r command; do printf '{answer}\\n' "$command" "$1"; done""",
    )
    addresses = [f"10.0.0.{number}" for number in range(1, 41)]
    here = Here(PATH=path, TMPDIR=str(tmp_path))
    answers = at_addresses(here, "a", addresses, ["peer status", "volume info"])
    assert list(answers) == addresses
    assert answers.pop("10.0.0.7") is None
    for address, replies in answers.items():
        assert replies is not None
        words = [reply.message for reply in replies]
        assert words == [f"{command} at --remote-host={address}" for command in ("peer status", "volume info")]
    assert not list(tmp_path.glob("tmp*")), "the answers are kept nowhere"
