"""Volume handles, mount options and the kernel's mount table, read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csi.handle import FLAGS, SETTINGS, Handle, InvalidArgument, mount_key, mount_options, parse
from csi.mounts import parse as parse_mounts


@pytest.mark.parametrize(
    ("text", "volume", "folder"),
    [
        ("newvol", "newvol", ""),
        ("newvol#default.data", "newvol", ""),
        ("newvol/a", "newvol", "a"),
        ("new_vol-2/a/b.c/d#x", "new_vol-2", "a/b.c/d"),
        ("newvol/.hidden", "newvol", ".hidden"),
        ("newvol/...", "newvol", "..."),
    ],
)
def test_a_handle(text: str, volume: str, folder: str) -> None:
    assert parse(text) == Handle(volume, folder)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "does not begin with the name of a gluster volume"),
        ("/newvol", "does not begin with"),
        ("//", "does not begin with"),
        ("..", "does not begin with"),
        ("-newvol", "does not begin with"),
        ("new vol", "does not begin with"),
        ("new.vol", "does not begin with"),
        ("host:/newvol", "does not begin with"),
        ("#x", "does not begin with"),
        ("newvol/..", "has .. in its path"),
        ("newvol/../../etc", "has .. in its path"),
        ("newvol/a/../b", "has .. in its path"),
        ("newvol/.", "has . in its path"),
        ("newvol/", "an empty name or odd characters"),
        ("newvol//etc", "an empty name or odd characters"),
        ("newvol/a/", "an empty name or odd characters"),
        ("newvol/a b", "an empty name or odd characters"),
        ("newvol/a\nb", "an empty name or odd characters"),
        ("newvol/a\0", "an empty name or odd characters"),
        ("newvol/ä", "an empty name or odd characters"),
        ("newvol#a/b", "an empty name or odd characters"),
        ("newvol#a#b", "an empty name or odd characters"),
        ("newvol/" + "a" * 1024, "more than 1024"),
    ],
)
def test_a_hostile_handle_is_refused_in_words(text: str, why: str) -> None:
    with pytest.raises(InvalidArgument) as error:
        parse(text)
    assert why in str(error.value)
    assert "write VOLUME[/DIR][#UNIQUE]" in str(error.value)


@given(st.text(st.sampled_from("ab./#-_ ~\n"), max_size=12))
def test_no_handle_leads_out_of_its_volume(text: str) -> None:
    try:
        handle = parse(text)
    except InvalidArgument:
        return
    assert "/" not in handle.volume
    assert all(part not in ("", ".", "..") for part in handle.directory.split("/")) or not handle.directory


def test_mount_options() -> None:
    assert mount_options([]) == ()
    assert mount_options(["ro"]) == mount_options([], read_only=True) == ("read-only",)
    assert mount_options(["rw"], read_only=True) == ("read-only",)
    assert mount_options(["entry-timeout=5", "acl", "entry-timeout=5", "rw"]) == ("acl", "entry-timeout=5")
    every = [*FLAGS, *(f"{name}=1" for name in SETTINGS)]
    assert mount_options(every) == tuple(sorted(every))


@pytest.mark.parametrize(
    "flag",
    [
        "log-file=/etc/passwd",
        "dump-fuse=/x",
        "volfile=/x",
        "acl=1",
        "log-level",
        "log-level=",
        "log-level=a b",
        "",
        "--x",
    ],
)
def test_an_option_that_the_client_must_not_get(flag: str) -> None:
    with pytest.raises(InvalidArgument, match=r"is not one that the driver passes on: use ro, acl, .*log-level=\.\.\."):
        mount_options([flag])


def test_pods_with_the_same_options_share_a_mount() -> None:
    flags: tuple[list[str], ...] = (
        ["acl", "log-level=INFO"],
        ["log-level=INFO", "acl"],
        ["acl", "log-level=INFO", "ro"],
        [],
    )
    first, second, reading, plain = (mount_key("v", mount_options(these)) for these in flags)
    assert first == second
    assert len({first, reading, plain}) == 3
    assert plain == "v"


MOUNTINFO = r"""
22 1 0:20 / / rw,relatime shared:1 - overlay overlay rw,lowerdir=/a
90 22 0:55 / /plugins/d/mounts/v rw,nosuid,nodev,relatime shared:7 - fuse.glusterfs d:v rw,user_id=0,group_id=0
91 22 0:55 /a\040b /pods/x/mount ro,nosuid,nodev,relatime shared:8 master:2 - fuse.glusterfs d:v rw,user_id=0
""".strip()


def test_the_mount_table() -> None:
    root, fuse, bound = parse_mounts(MOUNTINFO)
    assert (root.path, root.kind) == ("/", "overlay")
    assert (fuse.id, fuse.device, fuse.source, fuse.directory) == (90, "0:55", "d:v", "")
    assert (bound.device, bound.directory, bound.path) == ("0:55", "a b", "/pods/x/mount")
