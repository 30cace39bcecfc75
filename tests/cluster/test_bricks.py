"""Folders that must not become bricks are refused and left as they are; what a failed create left is put right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cluster.lab import CommandFailed, Lab, unique
from tests.cluster.release import Release, nodes

# Everything in a folder: names, owners, modes, contents, extended attributes.
_PRINT = """
cd {folder}; find . -printf '%p %y %U:%G %m %s\\n' | sort
find . -type f -print0 | sort -z | xargs -0r sha256sum
getfattr --absolute-names -R -h -d -m - -e hex . | sort
"""


def printed(lab: Lab, release: Release, node: str, folder: str) -> str:
    return lab.on_node(release.namespace, node, _PRINT.format(folder=folder))


def of_clients(printed: str) -> list[str]:
    """What is printed of a folder but for the notes that a running brick's own process keeps there."""
    return [line for line in printed.splitlines() if not re.search(r"\.glusterfs/(indices|health_check)\b", line)]


def test_foreign_files_in_a_brick_folder_stay_untouched(lab: Lab, release: Release) -> None:
    volume = unique("v")
    folder = f"/mnt/brick1/{volume}"
    node = lab.workers[1]
    before = lab.on_node(release.namespace, node, f"mkdir {folder}; echo precious > {folder}/file; ls -lR {folder}")
    values = {"nodes": nodes(lab.workers[:2]), "volumes": [{"name": volume, "replica": 2}]}
    with pytest.raises(CommandFailed, match="the folder is not empty and no brick; its files are left untouched"):
        release.install(values)
    assert lab.on_node(release.namespace, node, f"ls -lR {folder}") == before
    assert "precious" in lab.on_node(release.namespace, node, f"cat {folder}/file; rm -r {folder}")
    assert "every brick online" in release.upgrade(values)


def test_a_brick_on_the_root_disk_is_refused_unless_values_allow_it(lab: Lab, release: Release) -> None:
    brick = f"/var/lib/bricks-of-tests/{unique('brick')}"
    lab.on_node(release.namespace, lab.workers[0], f"mkdir -p {brick}")
    values = {"nodes": nodes(lab.workers[:1]), "bricks": [brick], "volumes": [{"name": unique("v")}]}
    with pytest.raises(CommandFailed, match="lies on the node's root disk"):
        release.install(values)
    assert "every brick online" in release.upgrade({**values, "allowRootDiskBricks": True})


def test_a_brick_of_another_volume_stays_untouched(lab: Lab, release: Release) -> None:
    one, two, three = lab.workers[:3]
    old, new = unique("old"), unique("new")
    release.install({"nodes": nodes([one, two, three]), "volumes": [{"name": old, "replica": 3}]})
    with lab.mounted(release.namespace, one, "localhost", old) as there:
        there(f"head -c 300000 /dev/urandom > /data/{old}/precious")
    folder = f"/mnt/brick1/{old}"
    before = printed(lab, release, two, folder)
    assert "precious" in before
    assert "trusted.glusterfs.volume-id" in before
    layout = [f"{one}:/mnt/brick1/{new}", f"{two}:{folder}"]
    with pytest.raises(CommandFailed, match=f"the folder is a brick of the pool's volume {old} and is left untouched"):
        release.upgrade({"nodes": nodes([one, two, three]), "volumes": [{"name": new, "replica": 2, "layout": layout}]})
    assert of_clients(printed(lab, release, two, folder)) == of_clients(before)
    assert release.gluster("volume", "list").split() == [old]


def test_a_brick_of_another_pool_stays_untouched(lab: Lab, namespace: str) -> None:
    one, two = lab.workers[:2]
    volume = unique("v")
    values = {"nodes": nodes([one, two]), "volumes": [{"name": volume, "replica": 2}]}
    first, second = Release(lab, namespace), Release(lab, namespace)
    folder = f"/mnt/brick1/{volume}"
    try:
        first.install(values)
        with lab.mounted(namespace, one, "localhost", volume) as there:
            there(f"head -c 300000 /dev/urandom > /data/{volume}/precious")
        first.uninstall()
        before = {node: printed(lab, first, node, folder) for node in (one, two)}
        with pytest.raises(CommandFailed, match=r"a brick of a volume this pool does not know \(id [0-9a-f-]{36}\)"):
            second.install(values)
        assert {node: printed(lab, first, node, folder) for node in (one, two)} == before
        second.uninstall()
        assert "every brick online" in first.install(values), "the pool that it belongs to still has it"
    finally:
        first.uninstall()
        second.uninstall()


@contextmanager
def full(lab: Lab, release: Release, node: str, mount: str) -> Iterator[None]:
    """No byte and no inode's block is free on the file system at `mount`."""
    filler = f"{mount}/filler"
    lab.on_node(
        release.namespace,
        node,
        f"free=$(df -B1 --output=avail {mount} | tail -n 1); fallocate -l $free {filler} || true\n"
        f"for size in 1M 4k 1; do dd if=/dev/zero bs=$size >> {filler} 2>/dev/null || true; done\n"
        f"i=0; while mkdir {filler}.$i 2>/dev/null; do i=$((i + 1)); done; ! mkdir {mount}/probe",
    )
    try:
        yield
    finally:
        lab.on_node(release.namespace, node, f"rm -rf {filler} {filler}.*")


@contextmanager
def read_only(lab: Lab, release: Release, node: str, mount: str) -> Iterator[None]:
    lab.on_node(release.namespace, node, f"mount -o remount,ro {mount}; ! mkdir {mount}/probe")
    try:
        yield
    finally:
        lab.on_node(release.namespace, node, f"mount -o remount,rw {mount}")


@pytest.mark.parametrize("broken", [full, read_only])
def test_a_create_that_failed_on_one_brick_is_put_right(lab: Lab, release: Release, broken: object) -> None:
    workers, volume = lab.workers[:3], unique("v")
    release.install({"nodes": nodes(workers, bricks=["/mnt/brick1", "/mnt/brick2"])})
    values = {
        "nodes": nodes(workers, bricks=["/mnt/brick1", "/mnt/brick2"]),
        "volumes": [{"name": volume, "replica": 3, "bricks": ["/mnt/brick2"]}],
    }
    assert callable(broken)
    with broken(lab, release, workers[1], "/mnt/brick2"):
        with pytest.raises(CommandFailed, match=f"gluster volume create {volume}") as failed:
            release.upgrade(values)
        print(failed.value)
        assert volume not in release.gluster("volume", "list")
    assert "every brick online" in release.upgrade(values)
    assert release.info(volume)["Number of Bricks"] == "1 x 3 = 3"
