"""The client's pod: what it keeps mounted, over its socket, with FUSE processes that end when the test says so."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest

from csi.client import MountSupervisor
from csi.fuse import NotMounted, Spec, answering_first
from csi.ipc import listen
from csi.mount_client import MountClient
from csi.rpc import Failed
from tests.unit.csi_fakes import DRIVER, FakeKernel


class FakePopen:
    def __init__(self) -> None:
        self.ended = threading.Event()

    def wait(self, timeout: float | None = None) -> int:
        assert self.ended.wait(timeout or 10)
        return 1

    def terminate(self) -> None:
        self.ended.set()


@dataclass
class FakeProcess:
    spec: Spec
    mount_point: str
    popen: FakePopen = field(default_factory=FakePopen)

    def end(self) -> None:
        self.popen.terminate()


@dataclass
class FakeFuse:
    """Mounts when its server has the volume. `started` are all the processes there were."""

    kernel: FakeKernel
    volumes: set[str]
    started: list[FakeProcess] = field(default_factory=list)

    def start(self, spec: Spec, mount_point: str) -> FakeProcess:
        assert not [m for m in self.kernel.table() if m.path == mount_point], "a mount over a dead one cannot be made"
        self.started.append(FakeProcess(spec, mount_point))
        return self.started[-1]

    def wait(self, process: FakeProcess) -> None:
        if process.spec.volume not in self.volumes:
            process.end()
            raise NotMounted(f"The volume {process.spec.volume} is not mounted: no server has it.")
        self.kernel.add(f"0:{len(self.started)}", "/", process.mount_point, f"{DRIVER}:{process.spec.key}")


@dataclass
class World:
    folder: Path
    kernel: FakeKernel
    fuse: FakeFuse

    def client(self) -> MountSupervisor:
        """A new pod of the client."""
        client = MountSupervisor(self.folder, self.fuse, self.kernel)  # type: ignore[arg-type]
        client.restore()
        return client

    def mounted(self) -> list[str]:
        return [mount.path.removeprefix(f"{self.folder}/mounts/") for mount in self.kernel.table()]

    def specs(self) -> set[str]:
        return {file.name for file in (self.folder / "specs").iterdir()}


@pytest.fixture
def world(tmp_path: Path) -> World:
    kernel = FakeKernel()
    return World(tmp_path, kernel, FakeFuse(kernel, {"a", "b"}))


@pytest.fixture
def client(world: World) -> Iterator[MountSupervisor]:
    client = world.client()
    yield client
    client.close()


def test_a_volume_is_mounted_once_and_released(world: World, client: MountSupervisor) -> None:
    client.mount(Spec("a", ()))
    client.mount(Spec("a", ()))
    client.mount(Spec("a", ("acl",)))
    assert len(world.fuse.started) == 2
    assert world.mounted() == ["a", Spec("a", ("acl",)).key]
    client.release("a")
    assert world.mounted() == [Spec("a", ("acl",)).key]
    assert world.fuse.started[0].popen.ended.is_set()
    assert world.specs() == {f"{Spec('a', ('acl',)).key}.json"}
    client.release("a")
    client.release("never")


def test_what_cannot_be_mounted_is_said_and_forgotten(world: World, client: MountSupervisor) -> None:
    with pytest.raises(NotMounted, match="The volume c is not mounted: no server has it"):
        client.mount(Spec("c", ()))
    assert (world.mounted(), world.specs()) == ([], set())


def test_a_fuse_process_that_ends_has_a_successor(world: World, client: MountSupervisor) -> None:
    client.mount(Spec("a", ()))
    world.fuse.started[0].popen.terminate()
    wait_for_processes(world, 2)
    client.mount(Spec("a", ()))
    assert world.mounted() == ["a"]


def wait_for_processes(world: World, number: int) -> None:
    ready = threading.Event()
    for _ in range(1000):
        if len(world.fuse.started) >= number:
            return
        ready.wait(0.01)
    raise AssertionError(f"only {len(world.fuse.started)} processes")


def test_a_volume_in_use_is_tried_until_it_is_back(world: World, client: MountSupervisor) -> None:
    client.mount(Spec("a", ()))
    world.fuse.volumes.clear()
    world.fuse.started[0].popen.terminate()
    wait_for_processes(world, 2)
    assert world.specs() == {"a.json"}, "pods still have it"
    world.fuse.volumes.add("a")
    client.mount(Spec("a", ()))
    assert world.mounted() == ["a"]


def test_a_new_pod_mounts_what_the_old_one_had(world: World) -> None:
    first = world.client()
    first.mount(Spec("a", ()))
    first.mount(Spec("b", ("acl",)))
    first.close()
    assert world.mounted() == []
    second = world.client()
    second.mount(Spec("a", ()))
    second.mount(Spec("b", ("acl",)))
    assert sorted(world.mounted()) == ["a", Spec("b", ("acl",)).key]
    assert len(world.fuse.started) == 4
    second.close()


def test_a_new_pod_clears_up_after_one_that_was_killed(world: World) -> None:
    """Dead mounts are there: of a volume that is wanted, and of one that had just been released."""
    world.client().close()
    for volume in ("a", "b"):
        (world.folder / "mounts" / volume).mkdir()
        world.kernel.add("0:99", "/", f"{world.folder}/mounts/{volume}", f"{DRIVER}:{volume}")
    (world.folder / "specs" / "a.json").write_text(json.dumps({"volume": "a", "options": []}))
    client = world.client()
    client.mount(Spec("a", ()))
    assert world.mounted() == ["a"]
    assert {mount.device for mount in world.kernel.table()} == {"0:1"}
    client.close()


def test_over_the_socket(world: World, client: MountSupervisor) -> None:
    path = world.folder / "client.sock"
    server = listen(path, client)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    assert path.stat().st_mode & 0o777 == 0o600
    caller = MountClient(path)
    caller.mount("a", ["acl"])
    assert world.mounted() == [Spec("a", ("acl",)).key]
    caller.release(Spec("a", ("acl",)).key)
    assert world.mounted() == []
    with pytest.raises(Failed, match="The volume c is not mounted") as failed:
        caller.mount("c", [])
    assert failed.value.code == grpc.StatusCode.UNAVAILABLE
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        connection.sendall(b'{"unmount": "a"}\n')
        assert "does not know the request {'unmount': 'a'}" in connection.makefile().readline()
    server.shutdown()
    server.server_close()
    with pytest.raises(Failed, match="The client's pod on this node does not answer"):
        caller.mount("a", [])


def test_servers_that_answer_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setattr("csi.fuse.GLUSTERD_PORT", listening.getsockname()[1])
        assert answering_first(["no.such.host.invalid", "127.0.0.1"], 1) == ["127.0.0.1", "no.such.host.invalid"]
    assert answering_first([]) == []


def test_the_client_does_without_grpc() -> None:
    """It is on every node: see what it costs in bench."""
    script = "import sys, csi.__main__; sys.exit(any(name.split('.')[0] in ('grpc', 'google') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
