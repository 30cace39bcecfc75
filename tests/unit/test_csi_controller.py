"""The Controller service over a real socket, on a claims in memory; and how it takes what peers say."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest

from csi import csi_pb2
from csi.claims import Claims, NoSuchClaim, Unavailable
from csi.controller import DEFAULT_SIZE, ControllerService
from csi.identity import EndPoint, IdentityService
from csi.rpc import server
from hooks.gluster.runner import ExecResult, OutcomeUnknown, PeerUnavailable
from tests.unit.csi_fakes import DRIVER, ask

Code = grpc.StatusCode
Call = Callable[[str, Any], Any]
MIB = 1 << 20


class Peers:
    """Peers whose script makes and removes directories in memory; `trouble` comes instead, once each."""

    def __init__(self) -> None:
        self.claims: dict[str, int] = {}
        self.trouble: list[Exception | ExecResult] = []
        self.ready = ["a", "b"]
        self.asked: list[str] = []

    def run(self, peer: str, argv: Sequence[str], seconds: float) -> ExecResult:
        self.asked.append(peer)
        if self.trouble:
            trouble = self.trouble.pop(0)
            if isinstance(trouble, Exception):
                raise trouble
            return trouble
        what, volume, name, size = argv[-4:]
        where, known = f"{volume}/{name}", self.claims.get(f"{volume}/{name}")
        if volume == "no-such":
            return ExecResult("Volume no-such does not exist\n", "", 4)
        if what == "delete":
            self.claims.pop(where, None)
            return ExecResult("", "", 0)
        if what != "create" and known is None:
            return ExecResult("", "", 3)
        if what == "create":
            self.claims[where] = known or int(size)
        elif what == "expand":
            self.claims[where] = max(known or 0, int(size))
        return ExecResult(f"size={self.claims[where]}\n", "", 0)


@pytest.fixture
def peers() -> Peers:
    return Peers()


@pytest.fixture
def call(peers: Peers, tmp_path: Path) -> Iterator[Call]:
    services = csi_pb2.DESCRIPTOR.services_by_name
    made = {
        services["Identity"]: IdentityService(DRIVER, "1", EndPoint.CONTROLLER),
        services["Controller"]: ControllerService(Claims(lambda: peers.ready, peers.run)),
    }
    running = server(f"unix://{tmp_path}/csi.sock", made)
    with grpc.insecure_channel(f"unix://{tmp_path}/csi.sock") as channel:
        yield lambda name, request: ask(channel, csi_pb2.DESCRIPTOR, name, request)
    running.stop(0)


def wanted(name: str = "pvc-1", volume: str = "newvol", required: int = 0, limit: int = 0, **more: Any) -> Any:
    request = csi_pb2.CreateVolumeRequest(name=name, parameters={"volume": volume}, **more)
    request.capacity_range.required_bytes = required
    request.capacity_range.limit_bytes = limit
    if "volume_capabilities" not in more:
        request.volume_capabilities.add().mount.SetInParent()
    return request


def code_of(call: Call, name: str, request: Any) -> tuple[Any, str]:
    with pytest.raises(grpc.RpcError) as error:
        call(name, request)
    return error.value.code(), error.value.details() or ""


def test_what_it_can(call: Call) -> None:
    kinds = csi_pb2.ControllerServiceCapability.RPC
    answer = call("ControllerGetCapabilities", csi_pb2.ControllerGetCapabilitiesRequest())
    assert [c.rpc.type for c in answer.capabilities] == [kinds.CREATE_DELETE_VOLUME, kinds.EXPAND_VOLUME]
    plugin = call("GetPluginCapabilities", csi_pb2.GetPluginCapabilitiesRequest()).capabilities
    assert plugin[0].service.type == csi_pb2.PluginCapability.Service.CONTROLLER_SERVICE
    assert plugin[1].volume_expansion.type == csi_pb2.PluginCapability.VolumeExpansion.ONLINE


def test_a_claim_is_made_once(call: Call, peers: Peers) -> None:
    for _ in range(2):
        made = call("CreateVolume", wanted(required=100 * MIB)).volume
        assert (made.volume_id, made.capacity_bytes) == ("newvol/claims/pvc-1", 100 * MIB)
    assert peers.claims == {"newvol/pvc-1": 100 * MIB}
    assert call("CreateVolume", wanted(required=10 * MIB)).volume.capacity_bytes == 100 * MIB, "at least so much"


def test_the_log_names_the_claim(call: Call, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "csi")
    call("CreateVolume", wanted())
    call("DeleteVolume", csi_pb2.DeleteVolumeRequest(volume_id="newvol/claims/pvc-1"))
    assert [line.split(" seconds=")[0] for line in caplog.messages] == [
        'CreateVolume volume="pvc-1" code=OK',
        'DeleteVolume volume="newvol/claims/pvc-1" code=OK',
    ]


def test_sizes(call: Call) -> None:
    assert call("CreateVolume", wanted("a")).volume.capacity_bytes == DEFAULT_SIZE
    assert call("CreateVolume", wanted("b", limit=MIB)).volume.capacity_bytes == MIB
    assert code_of(call, "CreateVolume", wanted("c", required=2, limit=1))[0] == Code.OUT_OF_RANGE
    assert code_of(call, "CreateVolume", wanted("a", required=2 * DEFAULT_SIZE))[0] == Code.ALREADY_EXISTS
    assert code_of(call, "CreateVolume", wanted("a", required=1, limit=MIB))[0] == Code.ALREADY_EXISTS


def test_claims_that_cannot_be(call: Call, peers: Peers) -> None:
    block = csi_pb2.VolumeCapability()
    block.block.SetInParent()
    options = csi_pb2.VolumeCapability()
    options.mount.mount_flags.append("log-file=/x")
    snapshot = csi_pb2.VolumeContentSource()
    for request in (
        wanted(""),
        wanted(volume=""),
        wanted("../x"),
        wanted(".deleted-x"),
        wanted("a/b"),
        wanted(volume="../x"),
        wanted(volume_capabilities=[]),
        wanted(volume_capabilities=[block]),
        wanted(volume_capabilities=[options]),
        wanted(volume_content_source=snapshot),
    ):
        assert code_of(call, "CreateVolume", request)[0] == Code.INVALID_ARGUMENT, request
    assert peers.asked == []
    assert code_of(call, "CreateVolume", wanted(volume="no-such")) == (
        Code.NOT_FOUND,
        "no-such/claims/pvc-1 does not exist: Volume no-such does not exist",
    )


def test_a_claim_is_deleted_once_and_nothing_else_ever(call: Call, peers: Peers) -> None:
    call("CreateVolume", wanted())
    for _ in range(2):
        call("DeleteVolume", csi_pb2.DeleteVolumeRequest(volume_id="newvol/claims/pvc-1"))
    assert peers.claims == {}
    call("DeleteVolume", csi_pb2.DeleteVolumeRequest(volume_id="no-such/claims/pvc-1"))
    asked = len(peers.asked)
    for handle in ("", "newvol/claims/..", "/etc"):
        request = csi_pb2.DeleteVolumeRequest(volume_id=handle)
        assert code_of(call, "DeleteVolume", request)[0] == Code.INVALID_ARGUMENT, handle
    for handle in (
        "newvol",
        "newvol#default.data",
        "newvol/claims",
        "newvol/x",
        "newvol/claims/a/b",
        "newvol/claims/.x",
    ):
        call("DeleteVolume", csi_pb2.DeleteVolumeRequest(volume_id=handle))  # never made here, so as good as deleted
    assert len(peers.asked) == asked


def test_a_claim_grows_and_does_not_shrink(call: Call) -> None:
    call("CreateVolume", wanted(required=MIB))

    def expanded(size: int, name: str = "pvc-1") -> Any:
        request = csi_pb2.ControllerExpandVolumeRequest(volume_id=f"newvol/claims/{name}")
        request.capacity_range.required_bytes = size
        return request

    answer = call("ControllerExpandVolume", expanded(3 * MIB))
    assert (answer.capacity_bytes, answer.node_expansion_required) == (3 * MIB, False)
    assert call("ControllerExpandVolume", expanded(2 * MIB)).capacity_bytes == 3 * MIB
    assert code_of(call, "ControllerExpandVolume", expanded(MIB, "pvc-2"))[0] == Code.NOT_FOUND


def test_capabilities_are_confirmed_or_not(call: Call) -> None:
    call("CreateVolume", wanted())

    def asked(handle: str, *kinds: str) -> Any:
        request = csi_pb2.ValidateVolumeCapabilitiesRequest(volume_id=handle)
        for kind in kinds:
            getattr(request.volume_capabilities.add(), kind).SetInParent()
        return request

    confirmed = call("ValidateVolumeCapabilities", asked("newvol/claims/pvc-1", "mount"))
    assert len(confirmed.confirmed.volume_capabilities) == 1
    assert "not a block device" in call("ValidateVolumeCapabilities", asked("newvol/claims/pvc-1", "block")).message
    assert code_of(call, "ValidateVolumeCapabilities", asked("newvol/claims/pvc-2", "mount"))[0] == Code.NOT_FOUND
    assert code_of(call, "ValidateVolumeCapabilities", asked("newvol/claims/pvc-1"))[0] == Code.INVALID_ARGUMENT


def test_another_peer_is_asked_where_one_takes_no_command(peers: Peers) -> None:
    peers.trouble = [PeerUnavailable("The pod a takes no command")]
    assert Claims(lambda: peers.ready, peers.run).create("newvol", "x", 5) == 5
    assert peers.asked == ["a", "b"]


def test_what_may_have_happened_is_not_done_by_another_peer(peers: Peers, call: Call) -> None:
    peers.trouble = [OutcomeUnknown("The connection to the pod a broke")]
    code, words = code_of(call, "CreateVolume", wanted())
    assert (code, peers.asked) == (Code.UNAVAILABLE, ["a"])
    assert "create newvol/claims/pvc-1: The connection to the pod a broke" in words


def test_what_a_peer_says_is_passed_on(peers: Peers) -> None:
    claims = Claims(lambda: peers.ready, peers.run)
    peers.trouble = [ExecResult("quota command failed : Another transaction\nis in progress", "", 1)]
    with pytest.raises(Unavailable, match="in the peer a: quota command failed : Another transaction is in progress"):
        claims.create("newvol", "x", 5)
    peers.trouble = [ExecResult("", "", 3)]
    with pytest.raises(NoSuchClaim, match="newvol/claims/x does not exist"):
        claims.check("newvol", "x")
    peers.ready = []
    with pytest.raises(Unavailable, match="No peer accepts a command: none is Ready"):
        claims.check("newvol", "x")
