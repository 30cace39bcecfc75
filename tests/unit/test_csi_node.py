"""The Identity and Node services over a real socket, as the kubelet talks to them, on a mount table in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from csi import csi_pb2, registration_pb2, stats
from csi.identity import EndPoint, IdentityService, RegistrationService
from csi.node import NodeService, Place
from csi.rpc import Failed, server
from tests.unit.csi_fakes import DRIVER, FakeKernel, FakeMounter, ask

Code = grpc.StatusCode
MODES = csi_pb2.VolumeCapability.AccessMode


@dataclass
class Kubelet:
    """Calls the driver. `pods` is the folder below which targets are."""

    channel: grpc.Channel
    pods: Path
    kernel: FakeKernel
    mounter: FakeMounter
    node: NodeService

    def call(self, name: str, request: Any) -> Any:
        return ask(self.channel, csi_pb2.DESCRIPTOR, name, request)

    def target(self, name: str) -> str:
        folder = self.pods / name
        folder.mkdir(exist_ok=True)
        return str(folder / "mount")

    def publish(
        self,
        volume: str,
        target: str,
        *flags: str,
        readonly: bool = False,
        mode: MODES.Mode = MODES.MULTI_NODE_MULTI_WRITER,
    ) -> None:
        request = csi_pb2.NodePublishVolumeRequest(volume_id=volume, target_path=target, readonly=readonly)
        request.volume_capability.mount.mount_flags.extend(flags)
        request.volume_capability.access_mode.mode = mode
        self.call("NodePublishVolume", request)

    def unpublish(self, volume: str, target: str) -> None:
        request = csi_pb2.NodeUnpublishVolumeRequest(volume_id=volume, target_path=target)
        self.call("NodeUnpublishVolume", request)

    def stats(self, volume: str, path: str) -> Any:
        request = csi_pb2.NodeGetVolumeStatsRequest(volume_id=volume, volume_path=path)
        return self.call("NodeGetVolumeStats", request)

    def at(self, target: str) -> list[tuple[str, str]]:
        """Source and directory of what is mounted there."""
        return [(m.source, m.directory) for m in self.kernel.table() if m.path == target]


@pytest.fixture
def kubelet(tmp_path: Path) -> Iterator[Kubelet]:
    pods = tmp_path / "pods"
    pods.mkdir()
    kernel = FakeKernel(directories={f"{DRIVER}:newvol": {"a", "a/b"}})
    mounter = FakeMounter(kernel, str(tmp_path / "plugin"))
    node = NodeService(DRIVER, Place("worker-1", str(tmp_path / "plugin"), str(pods)), kernel, mounter)
    services = csi_pb2.DESCRIPTOR.services_by_name
    identity = IdentityService(DRIVER, "1.2.3", EndPoint.NODE)
    running = server(f"unix://{tmp_path}/csi.sock", {services["Identity"]: identity, services["Node"]: node})
    with grpc.insecure_channel(f"unix://{tmp_path}/csi.sock") as channel:
        yield Kubelet(channel, pods, kernel, mounter, node)
    running.stop(0)


def refused(code: Any, words: str = "") -> Any:
    """A context in which the driver has to answer with this code and these words."""

    class Context:
        def __enter__(self) -> None:
            pass

        def __exit__(self, _kind: Any, error: Any, _trace: Any) -> bool:
            assert isinstance(error, grpc.RpcError), "nothing was refused"
            assert error.code() == code, error
            assert words in (error.details() or "")
            return True

    return Context()


def test_who_it_is(kubelet: Kubelet, tmp_path: Path) -> None:
    info = kubelet.call("GetPluginInfo", csi_pb2.GetPluginInfoRequest())
    assert (info.name, info.vendor_version) == (DRIVER, "1.2.3")
    assert not kubelet.call("GetPluginCapabilities", csi_pb2.GetPluginCapabilitiesRequest()).capabilities
    kubelet.call("Probe", csi_pb2.ProbeRequest())
    assert kubelet.call("NodeGetInfo", csi_pb2.NodeGetInfoRequest()).node_id == "worker-1"
    kubelet.call("NodeGetCapabilities", csi_pb2.NodeGetCapabilitiesRequest())
    assert (tmp_path / "csi.sock").stat().st_mode & 0o777 == 0o600


def test_calls_that_are_not_there_are_unimplemented(kubelet: Kubelet) -> None:
    with refused(Code.UNIMPLEMENTED):
        kubelet.channel.unary_unary(
            "/csi.v1.Node/NodeStageVolume",
            csi_pb2.NodeGetInfoRequest.SerializeToString,
            csi_pb2.NodeGetInfoResponse.FromString,
        )(csi_pb2.NodeGetInfoRequest(), timeout=10)


def test_the_kubelet_is_told_where_to_find_it(tmp_path: Path) -> None:
    done = tmp_path / "registered"
    done.touch()
    registration = RegistrationService(DRIVER, "/plugins/csi.sock", done)
    assert not done.exists(), "a predecessor's"
    info = registration.GetInfo(registration_pb2.InfoRequest(), lambda: True)
    assert (info.type, info.name, info.endpoint) == ("CSIPlugin", DRIVER, "/plugins/csi.sock")
    assert list(info.supported_versions) == ["1.0.0"]
    registration.NotifyRegistrationStatus(registration_pb2.RegistrationStatus(plugin_registered=True), lambda: True)
    assert done.exists()


def test_a_volume_comes_and_goes(kubelet: Kubelet) -> None:
    target = kubelet.target("one")
    kubelet.publish("newvol#x", target)
    assert kubelet.at(target) == [(f"{DRIVER}:newvol", "")]
    kubelet.unpublish("newvol#x", target)
    assert kubelet.kernel.table() == [], "the FUSE mount goes with the last pod"
    assert kubelet.kernel.removed == [target]


def test_pods_share_a_fuse_mount_until_the_last_one_goes(kubelet: Kubelet) -> None:
    first, second = kubelet.target("one"), kubelet.target("two")
    kubelet.publish("newvol#x", first)
    kubelet.publish("newvol/a/b#y", second)
    assert kubelet.at(second) == [(f"{DRIVER}:newvol", "a/b")]
    kubelet.unpublish("newvol#x", first)
    assert kubelet.mounter.released == []
    kubelet.unpublish("newvol/a/b#y", second)
    assert kubelet.mounter.released == ["newvol"]


def test_mount_options_go_to_the_client_and_other_options_are_another_mount(kubelet: Kubelet) -> None:
    kubelet.publish("newvol", kubelet.target("one"), "acl", "entry-timeout=5", "ro")
    kubelet.publish("newvol", kubelet.target("two"))
    assert kubelet.mounter.asked == [("newvol", ("acl", "entry-timeout=5", "read-only")), ("newvol", ())]
    assert len({mount.device for mount in kubelet.kernel.table()}) == 2


@pytest.mark.parametrize(
    "asked",
    [{"readonly": True}, {"mode": MODES.MULTI_NODE_READER_ONLY}, {"mode": MODES.SINGLE_NODE_READER_ONLY}],
    ids=str,
)
def test_read_only(kubelet: Kubelet, asked: dict[str, Any]) -> None:
    kubelet.publish("newvol", kubelet.target("one"), **asked)
    assert kubelet.mounter.asked == [("newvol", ("read-only",))], "the FUSE mount itself"


def test_repeated_and_concurrent_calls_do_it_once(kubelet: Kubelet) -> None:
    target = kubelet.target("one")
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: kubelet.publish("newvol", target), range(40)))
        assert len(kubelet.at(target)) == 1
        list(pool.map(lambda _: kubelet.unpublish("newvol", target), range(40)))
    assert kubelet.kernel.table() == []


def test_pods_that_come_and_go_at_once_never_lose_their_mount(kubelet: Kubelet) -> None:
    """The last pod's end lets go of the FUSE mount, while the next one is about to be bound to it."""

    def life(number: int) -> bool:
        target = kubelet.target(str(number))
        kubelet.publish("newvol", target)
        devices = {m.device for m in kubelet.kernel.table() if m.path.endswith("mounts/newvol")}
        alive = {m.device for m in kubelet.kernel.table() if m.path == target} == devices
        kubelet.unpublish("newvol", target)
        return alive

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(life, range(200)))
    assert kubelet.kernel.table() == []


def test_what_is_asked_for_otherwise_at_a_target_in_use_is_refused(kubelet: Kubelet) -> None:
    target = kubelet.target("one")
    kubelet.publish("newvol", target)
    with refused(Code.ALREADY_EXISTS, "unpublish it first"):
        kubelet.publish("newvol/a", target)
    with refused(Code.ALREADY_EXISTS):
        kubelet.publish("newvol", target, readonly=True)
    kubelet.kernel.add("8:1", "/", kubelet.target("two"), "/dev/sda1")
    with refused(Code.ALREADY_EXISTS, "/dev/sda1 is mounted at"):
        kubelet.publish("newvol", kubelet.target("two"))


@pytest.mark.parametrize("handle", ["../etc", "newvol/../..", "/etc", "newvol//x", "newvol/a b", "#x"])
def test_a_hostile_handle_mounts_nothing(kubelet: Kubelet, handle: str) -> None:
    with refused(Code.INVALID_ARGUMENT, "VOLUME[/DIR][#UNIQUE]"):
        kubelet.publish(handle, kubelet.target("one"))
    assert kubelet.mounter.asked == []
    kubelet.unpublish(handle, kubelet.target("one"))


def test_arguments_that_are_missing(kubelet: Kubelet) -> None:
    target = kubelet.target("one")
    with refused(Code.INVALID_ARGUMENT, "names no volume"):
        kubelet.publish("", target)
    with refused(Code.INVALID_ARGUMENT, "names no target"):
        kubelet.publish("newvol", "")
    with refused(Code.INVALID_ARGUMENT, "names no volume"):
        kubelet.unpublish("", target)
    with refused(Code.INVALID_ARGUMENT, "names no target"):
        kubelet.unpublish("newvol", "")
    request = csi_pb2.NodePublishVolumeRequest(volume_id="newvol", target_path=target)
    with refused(Code.INVALID_ARGUMENT, "not a block device"):
        kubelet.call("NodePublishVolume", request)
    request.volume_capability.block.SetInParent()
    with refused(Code.INVALID_ARGUMENT, "not a block device"):
        kubelet.call("NodePublishVolume", request)
    with refused(Code.INVALID_ARGUMENT, "is not one that the driver passes on"):
        kubelet.publish("newvol", target, "log-file=/etc/shadow")


def test_targets_stay_below_the_kubelet_s_pods(kubelet: Kubelet, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (kubelet.pods / "link").symlink_to(outside)
    for path in ("/etc", str(kubelet.pods), f"{kubelet.pods}/../outside/mount", f"{kubelet.pods}/link/mount", "pods/x"):
        with refused(Code.INVALID_ARGUMENT, "is not below"):
            kubelet.publish("newvol", path)
        with refused(Code.INVALID_ARGUMENT, "is not below"):
            kubelet.unpublish("newvol", path)
    assert kubelet.kernel.table() == []


def test_a_directory_that_is_not_there(kubelet: Kubelet) -> None:
    with refused(Code.NOT_FOUND, "The volume newvol has no directory x (symlinks are not followed): make it"):
        kubelet.publish("newvol/x", kubelet.target("one"))
    assert kubelet.kernel.table() == [], "the FUSE mount is let go of"


def test_bricks_and_client_away(kubelet: Kubelet) -> None:
    target = kubelet.target("one")
    kubelet.mounter.down = True
    with refused(Code.UNAVAILABLE, "client's pod"):
        kubelet.publish("newvol", target)
    kubelet.mounter.down = False
    kubelet.kernel.broken.add(f"{DRIVER}:newvol")
    with refused(Code.UNAVAILABLE, "cannot be read"):
        kubelet.publish("newvol", target)
    kubelet.kernel.broken.clear()
    kubelet.publish("newvol", target)
    kubelet.kernel.broken.add(f"{DRIVER}:newvol")
    kubelet.mounter.down = True
    kubelet.unpublish("newvol", target)
    assert kubelet.at(target) == []
    kubelet.mounter.down = False
    kubelet.node.release_unused()
    assert kubelet.kernel.table() == [], "what could not be let go of goes later"


def test_a_caller_that_has_given_up_gets_no_mount(kubelet: Kubelet) -> None:
    request = csi_pb2.NodePublishVolumeRequest(volume_id="newvol", target_path=kubelet.target("one"))
    request.volume_capability.mount.SetInParent()
    with pytest.raises(Failed, match="has given up waiting") as error:
        kubelet.node.NodePublishVolume(request, lambda: False)
    assert error.value.code == Code.CANCELLED
    assert kubelet.kernel.table() == []


def test_a_volume_that_hangs_holds_up_no_unpublish(kubelet: Kubelet, monkeypatch: pytest.MonkeyPatch) -> None:
    """A brick's node is silently gone: looking at the volume hangs, for the same target too."""
    target, hangs, go = kubelet.target("one"), threading.Event(), threading.Event()
    opens = kubelet.kernel.open_directory

    def hanging(*args: Any) -> int:
        hangs.set()
        assert go.wait(10)
        return opens(*args)

    monkeypatch.setattr(kubelet.kernel, "open_directory", hanging)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(kubelet.publish, "newvol", target)
        assert hangs.wait(10)
        kubelet.unpublish("newvol", target)
        go.set()
        waiting.result()


def test_what_was_bound_to_a_dead_mount_is_bound_anew(kubelet: Kubelet) -> None:
    plain, folder, other = kubelet.target("one"), kubelet.target("two"), kubelet.target("three")
    kubelet.publish("newvol", plain)
    kubelet.publish("newvol/a#y", folder)
    kubelet.publish("newvol", other, "acl")
    assert kubelet.node.repair()
    before = kubelet.kernel.table()
    kubelet.mounter.die()
    assert kubelet.node.repair()
    for target, wanted in ((plain, ""), (folder, "a"), (other, "")):
        *_, last = [m for m in kubelet.kernel.table() if m.path == target]
        assert last.directory == wanted
        assert last.device not in {m.device for m in before}
        current = {m.device for m in kubelet.kernel.table() if "/mounts/" in m.path and m.source == last.source}
        assert {last.device} == current
    assert kubelet.node.repair()
    assert len(kubelet.at(plain)) == 2, "the new one lies over the old one, and that is done once"
    for target in (plain, folder, other):
        kubelet.unpublish("x", target)
    assert kubelet.kernel.table() == []


def test_a_repair_that_has_to_wait_is_tried_again(kubelet: Kubelet) -> None:
    kubelet.publish("newvol", kubelet.target("one"))
    kubelet.mounter.die()
    kubelet.kernel.broken.add(f"{DRIVER}:newvol")
    assert not kubelet.node.repair()
    assert len(kubelet.at(kubelet.target("one"))) == 1
    kubelet.kernel.broken.clear()
    assert kubelet.node.repair()
    assert len(kubelet.at(kubelet.target("one"))) == 2


def test_mounts_of_others_are_left_alone(kubelet: Kubelet) -> None:
    other = kubelet.kernel.add("0:99", "/", kubelet.target("one"), "other.storage.glusterfs:newvol")
    kubelet.publish("newvol", kubelet.target("two"))
    kubelet.mounter.die()
    kubelet.node.repair()
    kubelet.unpublish("newvol", kubelet.target("two"))
    assert kubelet.kernel.table() == [other]


# How full a volume is


def test_bytes_and_inodes_of_a_published_volume(kubelet: Kubelet) -> None:
    target = kubelet.target("one")
    kubelet.publish("newvol/a", target)
    answer = kubelet.stats("newvol/a", target)
    units = csi_pb2.VolumeUsage
    assert [(u.unit, u.total, u.used, u.available) for u in answer.usage] == [
        (units.BYTES, 4096 * 1000, 4096 * 600, 4096 * 300),
        (units.INODES, 50, 30, 20),
    ]
    assert not answer.volume_condition.abnormal
    kinds = csi_pb2.NodeServiceCapability.RPC
    capabilities = kubelet.call("NodeGetCapabilities", csi_pb2.NodeGetCapabilitiesRequest()).capabilities
    assert [c.rpc.type for c in capabilities] == [kinds.GET_VOLUME_STATS, kinds.VOLUME_CONDITION]


@pytest.mark.parametrize(
    ("volume", "path", "code"),
    [
        ("", "TARGET", Code.INVALID_ARGUMENT),
        ("newvol", "", Code.INVALID_ARGUMENT),
        ("newvol", "some/path", Code.NOT_FOUND),
        ("newvol", "/", Code.NOT_FOUND),
        ("newvol", "TARGET/..", Code.NOT_FOUND),
    ],
)
def test_of_nothing_else_it_is_said(kubelet: Kubelet, volume: str, path: str, code: grpc.StatusCode) -> None:
    target = kubelet.target("one")
    kubelet.publish("newvol", target)
    with pytest.raises(grpc.RpcError) as refused:
        kubelet.stats(volume, path.replace("TARGET", target))
    assert refused.value.code() == code
    assert kubelet.kernel.looks == 0


def test_a_volume_that_does_not_answer_is_abnormal(kubelet: Kubelet) -> None:
    target = kubelet.target("one")
    kubelet.publish("newvol", target)
    kubelet.kernel.broken.add(f"{DRIVER}:newvol")
    answer = kubelet.stats("newvol", target)
    assert answer.volume_condition.abnormal
    assert answer.volume_condition.message.startswith("The volume does not answer: its FUSE process has ended or its")
    assert not answer.usage
    kubelet.kernel.broken.clear()
    assert not kubelet.stats("newvol", target).volume_condition.abnormal


def test_nobody_waits_for_a_look_that_hangs_and_there_is_one_at_a_time(kubelet: Kubelet) -> None:
    target = kubelet.target("one")
    kubelet.publish("newvol", target)
    kubelet.node._probe = stats.StatProbe(kubelet.kernel, 0.2)
    kubelet.kernel.silent = threading.Event()
    for _ in range(5):
        answer = kubelet.stats("newvol", target)
        assert answer.volume_condition.abnormal
        assert "has not answered" in answer.volume_condition.message
    assert kubelet.kernel.looks == 1
    kubelet.kernel.silent.set()
    assert kubelet.stats("newvol", target).usage


def test_in_a_sub_path_s_place_the_new_one_stands_alone(kubelet: Kubelet) -> None:
    """The kubelet unmounts that once: with two it would go on for ever, for each time we would bind anew."""
    target = kubelet.target("one")
    kubelet.publish("newvol", target)
    (published,) = [m for m in kubelet.kernel.table() if m.path == target]
    mount_point = f"{kubelet.pods}/one/volume-subpaths/pv/pod/0"
    kubelet.kernel.add(published.device, "/a", mount_point, published.source)
    kubelet.mounter.die()
    assert kubelet.node.repair()
    (found,) = [m for m in kubelet.kernel.table() if m.path == mount_point]
    assert found.directory == "a"
    assert found.device != published.device
    kubelet.kernel.detach(mount_point)
    kubelet.unpublish("newvol", target)
    assert kubelet.node.repair()
    assert kubelet.kernel.table() == []
