"""What the driver logs of the calls that come over its socket."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from csi import call_log, csi_pb2
from csi.identity import EndPoint, IdentityService
from csi.node import NodeService, Place
from csi.rpc import server
from tests.unit.csi_fakes import DRIVER, FakeKernel, FakeMounter, ask


@dataclass
class Driver:
    """The node's services. `target` is a path that volumes can be published at."""

    channel: grpc.Channel
    kernel: FakeKernel
    target: str
    caplog: pytest.LogCaptureFixture

    def call(self, name: str, request: Message) -> Any:
        return ask(self.channel, csi_pb2.DESCRIPTOR, name, request)

    def publish(self, volume: str, *flags: str) -> None:
        request = csi_pb2.NodePublishVolumeRequest(volume_id=volume, target_path=self.target)
        request.volume_capability.mount.mount_flags.extend(flags)
        self.call("NodePublishVolume", request)

    def poll(self) -> None:
        """Asks what the kubelet asks every minute."""
        self.call("Probe", csi_pb2.ProbeRequest())
        self.call("NodeGetCapabilities", csi_pb2.NodeGetCapabilitiesRequest())
        self.call("NodeGetVolumeStats", csi_pb2.NodeGetVolumeStatsRequest(volume_id="v", volume_path=self.target))

    def logged(self) -> list[tuple[str, str]]:
        """Level and line of each record since the last look; seconds become `S`, the target `T`."""
        found = [(record.levelname, record.getMessage()) for record in self.caplog.records if record.name == "csi"]
        self.caplog.clear()
        short = [(level, line.replace(json.dumps(self.target), "T")) for level, line in found]
        return [(level, re.sub(r"seconds=\d+\.\d{3}\b", "seconds=S", line)) for level, line in short]


@pytest.fixture
def driver(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Driver]:
    caplog.set_level(logging.INFO, "csi")
    (tmp_path / "pods" / "one").mkdir(parents=True)
    kernel = FakeKernel()
    node = NodeService(
        DRIVER, Place("worker-1", "/plugin", str(tmp_path / "pods")), kernel, FakeMounter(kernel, "/plugin")
    )
    services = csi_pb2.DESCRIPTOR.services_by_name
    made = {services["Identity"]: IdentityService(DRIVER, "1", EndPoint.NODE), services["Node"]: node}
    running = server(f"unix://{tmp_path}/csi.sock", made)
    with grpc.insecure_channel(f"unix://{tmp_path}/csi.sock") as channel:
        yield Driver(channel, kernel, str(tmp_path / "pods" / "one" / "mount"), caplog)
    running.stop(0)


def test_a_call_is_one_line(driver: Driver) -> None:
    driver.publish("v#x")
    driver.call("NodeUnpublishVolume", csi_pb2.NodeUnpublishVolumeRequest(volume_id="v#x", target_path=driver.target))
    assert driver.logged() == [
        ("INFO", 'NodePublishVolume volume="v#x" target=T code=OK seconds=S'),
        ("INFO", 'NodeUnpublishVolume volume="v#x" target=T code=OK seconds=S'),
    ]


def test_a_failure_has_its_sentence(driver: Driver) -> None:
    with pytest.raises(grpc.RpcError) as error:
        driver.publish("v/none")
    assert driver.logged() == [
        (
            "WARNING",
            'NodePublishVolume volume="v/none" target=T code=NOT_FOUND seconds=S '
            f"message={json.dumps(error.value.details())}",
        )
    ]


def test_a_fault_of_the_driver_itself_has_its_traceback(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver.kernel, "table", lambda: 1 / 0)
    with pytest.raises(grpc.RpcError):
        driver.publish("v")
    assert driver.caplog.records[0].exc_info
    assert driver.logged()[-1][1] == (
        'NodePublishVolume volume="v" target=T code=UNKNOWN seconds=S message="ZeroDivisionError(\'division by zero\')"'
    )


def test_what_is_polled_is_logged_once_and_when_its_result_changes(driver: Driver) -> None:
    driver.publish("v")
    driver.logged()
    for _ in range(3):
        driver.poll()
    stats = 'NodeGetVolumeStats volume="v" target=T code=OK seconds=S'
    assert driver.logged() == [
        ("INFO", "Probe code=OK seconds=S"),
        ("INFO", "NodeGetCapabilities code=OK seconds=S"),
        ("INFO", stats),
    ]
    driver.kernel.broken.add(f"{DRIVER}:v")
    for _ in range(3):
        driver.poll()
    ((_, line),) = driver.logged()
    assert line.startswith(f'{stats} message="The volume does not answer:')
    driver.kernel.broken.clear()
    for _ in range(3):
        driver.poll()
    assert driver.logged() == [("INFO", stats)]


def test_what_is_polled_is_logged_each_time_it_fails(driver: Driver) -> None:
    for _ in range(2):
        with pytest.raises(grpc.RpcError):
            driver.call("NodeGetVolumeStats", csi_pb2.NodeGetVolumeStatsRequest())
    (first, second) = driver.logged()
    assert first == second
    assert "code=INVALID_ARGUMENT" in first[1]


def test_results_are_not_remembered_for_ever(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_log, "MAX_REMEMBERED", 2)
    driver.publish("v")
    driver.poll()
    driver.logged()
    driver.poll()
    assert driver.logged(), "logged again, since it was forgotten"


def test_nobody_writes_a_line_of_his_own(driver: Driver) -> None:
    with pytest.raises(grpc.RpcError):
        driver.publish("v\nNodePublishVolume code=OK" + "x" * 5000)
    ((_, line),) = driver.logged()
    assert "\n" not in line
    assert len(line) < 2 * call_log.MAX_LENGTH


def test_secrets_stay_out(driver: Driver) -> None:
    request = csi_pb2.NodePublishVolumeRequest(volume_id="v", target_path=driver.target)
    request.volume_capability.mount.mount_flags.append("acl")
    request.MergeFromString(b"\x3a\x0d\x0a\x03key\x12\x06hidden")  # upstream's field `secrets`, number 7, a map
    assert b"hidden" in request.SerializeToString()
    driver.call("NodePublishVolume", request)
    assert driver.logged() == [("INFO", 'NodePublishVolume volume="v" target=T code=OK seconds=S')]
