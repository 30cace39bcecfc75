"""The Controller service: a claim of a StorageClass is a directory of a gluster volume, its size a quota."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from csi import csi_pb2
from csi.handle import Refused, mount_options, parse
from csi.pool import FOLDER, NoSuchClaim, NotNow, Pool
from csi.rpc import Alive, Code, Failed

log = logging.getLogger("csi")
DEFAULT_SIZE = 1 << 30


class Controller:
    """Makes directories in `pool`, one call a volume at a time: gluster locks volumes as a whole."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def ControllerGetCapabilities(
        self, _request: csi_pb2.ControllerGetCapabilitiesRequest, _alive: Alive
    ) -> csi_pb2.ControllerGetCapabilitiesResponse:
        kinds = csi_pb2.ControllerServiceCapability.RPC
        answer = csi_pb2.ControllerGetCapabilitiesResponse()
        for kind in (kinds.CREATE_DELETE_VOLUME, kinds.EXPAND_VOLUME):
            answer.capabilities.add().rpc.type = kind
        return answer

    def CreateVolume(self, request: csi_pb2.CreateVolumeRequest, _alive: Alive) -> csi_pb2.CreateVolumeResponse:
        _check(request.volume_capabilities)
        volume = request.parameters.get("volume", "")
        if not request.name or not volume:
            raise Failed(Code.INVALID_ARGUMENT, "A claim needs a name, and its StorageClass the parameter `volume`.")
        if request.HasField("volume_content_source"):
            raise Failed(Code.INVALID_ARGUMENT, "Snapshots and clones are not possible.")
        handle, name = f"{volume}/{FOLDER}/{request.name}", request.name
        if "/" in name or name.startswith("."):
            raise Failed(Code.INVALID_ARGUMENT, f"A claim's directory cannot have the name {name}.")
        _claim(handle)
        size = _size(request.capacity_range)
        with self._locks[volume], _answers():
            known = self._pool.create(volume, name, size)
        limit = request.capacity_range.limit_bytes
        if known < request.capacity_range.required_bytes or (limit and known > limit):
            raise Failed(Code.ALREADY_EXISTS, f"{handle} is there with {known} bytes, not with {size}.")
        return csi_pb2.CreateVolumeResponse(volume=csi_pb2.Volume(volume_id=handle, capacity_bytes=known))

    def DeleteVolume(self, request: csi_pb2.DeleteVolumeRequest, _alive: Alive) -> csi_pb2.DeleteVolumeResponse:
        try:
            volume, name = _claim(request.volume_id)
        except Failed as failed:
            if failed.code != Code.NOT_FOUND:
                raise
            log.warning(
                "Nothing is deleted: %s", failed
            )  # what was never made is as good as deleted, says the interface
            return csi_pb2.DeleteVolumeResponse()
        with self._locks[volume], _answers():
            self._pool.delete(volume, name)
        return csi_pb2.DeleteVolumeResponse()

    def ControllerExpandVolume(
        self, request: csi_pb2.ControllerExpandVolumeRequest, _alive: Alive
    ) -> csi_pb2.ControllerExpandVolumeResponse:
        volume, name = _claim(request.volume_id)
        size = _size(request.capacity_range)
        with self._locks[volume], _answers():
            known = self._pool.expand(volume, name, size)
        return csi_pb2.ControllerExpandVolumeResponse(capacity_bytes=known, node_expansion_required=False)

    def ValidateVolumeCapabilities(
        self, request: csi_pb2.ValidateVolumeCapabilitiesRequest, _alive: Alive
    ) -> csi_pb2.ValidateVolumeCapabilitiesResponse:
        volume, name = _claim(request.volume_id)
        if not request.volume_capabilities:
            raise Failed(Code.INVALID_ARGUMENT, "The call names no capabilities.")
        with _answers():
            self._pool.look(volume, name)
        try:
            _check(request.volume_capabilities)
        except Failed as failed:
            return csi_pb2.ValidateVolumeCapabilitiesResponse(message=str(failed))
        answer = csi_pb2.ValidateVolumeCapabilitiesResponse()
        answer.confirmed.volume_capabilities.extend(request.volume_capabilities)
        return answer


@contextmanager
def _answers() -> Iterator[None]:
    """Turns what the pool raises into answers."""
    try:
        yield
    except NoSuchClaim as error:
        raise Failed(Code.NOT_FOUND, str(error)) from error
    except NotNow as error:
        raise Failed(Code.UNAVAILABLE, str(error)) from error


def _claim(handle: str) -> tuple[str, str]:
    """Volume and directory of a claim's handle. Raises Failed for one that this service has not made."""
    if not handle:
        raise Failed(Code.INVALID_ARGUMENT, "The call names no volume.")
    try:
        found = parse(handle)
    except Refused as refused:
        raise Failed(Code.INVALID_ARGUMENT, str(refused)) from refused
    folder, _, name = found.folder.partition("/")
    if folder != FOLDER or not name or "/" in name or name.startswith("."):
        raise Failed(Code.NOT_FOUND, f"{handle} is no claim's directory, VOLUME/{FOLDER}/NAME.")
    return found.volume, name


def _size(wanted: csi_pb2.CapacityRange) -> int:
    """The size in bytes to make. Raises Failed when it is both more and less than asked for."""
    required, limit = wanted.required_bytes, wanted.limit_bytes
    if required < 0 or limit < 0 or (limit and required > limit):
        raise Failed(Code.OUT_OF_RANGE, f"No size is at least {required} and at most {limit} bytes.")
    return required or min(limit or DEFAULT_SIZE, DEFAULT_SIZE)


def _check(capabilities: Iterable[csi_pb2.VolumeCapability]) -> None:
    """Raises Failed when there is none, or one that no volume has."""
    found = list(capabilities)
    if not found:
        raise Failed(Code.INVALID_ARGUMENT, "The call names no capabilities.")
    for capability in found:
        if capability.WhichOneof("access_type") != "mount":
            raise Failed(Code.INVALID_ARGUMENT, "A gluster volume is no block device: use volumeMode Filesystem.")
        try:
            mount_options(capability.mount.mount_flags)
        except Refused as refused:
            raise Failed(Code.INVALID_ARGUMENT, str(refused)) from refused
