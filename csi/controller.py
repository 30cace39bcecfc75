"""The Controller service: a claim of a StorageClass is a directory of a gluster volume, its size a quota."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from csi import csi_pb2
from csi.claims import CLAIMS_DIR, Claims, NoSuchClaim, Unavailable
from csi.handle import InvalidArgument, mount_options, parse
from csi.rpc import Code, Failed, IsActive

log = logging.getLogger("csi")
DEFAULT_SIZE = 1 << 30


class ControllerService:
    """Makes and deletes claims, one at a time in a volume: gluster locks volumes as a whole."""

    def __init__(self, claims: Claims) -> None:
        self._claims = claims
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def ControllerGetCapabilities(
        self, _request: csi_pb2.ControllerGetCapabilitiesRequest, _is_active: IsActive
    ) -> csi_pb2.ControllerGetCapabilitiesResponse:
        kinds = csi_pb2.ControllerServiceCapability.RPC
        answer = csi_pb2.ControllerGetCapabilitiesResponse()
        for kind in (kinds.CREATE_DELETE_VOLUME, kinds.EXPAND_VOLUME):
            answer.capabilities.add().rpc.type = kind
        return answer

    def CreateVolume(self, request: csi_pb2.CreateVolumeRequest, _is_active: IsActive) -> csi_pb2.CreateVolumeResponse:
        _check(request.volume_capabilities)
        volume = request.parameters.get("volume", "")
        if not request.name or not volume:
            raise Failed(Code.INVALID_ARGUMENT, "A claim needs a name, and its StorageClass the parameter `volume`.")
        if request.HasField("volume_content_source"):
            raise Failed(Code.INVALID_ARGUMENT, "The driver has neither snapshots nor clones.")
        handle, name = f"{volume}/{CLAIMS_DIR}/{request.name}", request.name
        if "/" in name or name.startswith("."):
            raise Failed(Code.INVALID_ARGUMENT, f"A claim's directory cannot have the name {name}.")
        _claim(handle)
        size = _size(request.capacity_range)
        with self._locks[volume], _as_failed():
            known = self._claims.create(volume, name, size)
        limit = request.capacity_range.limit_bytes
        if known < request.capacity_range.required_bytes or (limit and known > limit):
            raise Failed(Code.ALREADY_EXISTS, f"{handle} exists with {known} bytes, not with {size}.")
        return csi_pb2.CreateVolumeResponse(volume=csi_pb2.Volume(volume_id=handle, capacity_bytes=known))

    def DeleteVolume(self, request: csi_pb2.DeleteVolumeRequest, _is_active: IsActive) -> csi_pb2.DeleteVolumeResponse:
        try:
            volume, name = _claim(request.volume_id)
        except Failed as failed:
            if failed.code != Code.NOT_FOUND:
                raise
            log.warning("Nothing is deleted: %s", failed)  # the CSI wants OK for a volume that does not exist
            return csi_pb2.DeleteVolumeResponse()
        with self._locks[volume], _as_failed():
            self._claims.delete(volume, name)
        return csi_pb2.DeleteVolumeResponse()

    def ControllerExpandVolume(
        self, request: csi_pb2.ControllerExpandVolumeRequest, _is_active: IsActive
    ) -> csi_pb2.ControllerExpandVolumeResponse:
        volume, name = _claim(request.volume_id)
        size = _size(request.capacity_range)
        with self._locks[volume], _as_failed():
            known = self._claims.expand(volume, name, size)
        return csi_pb2.ControllerExpandVolumeResponse(capacity_bytes=known, node_expansion_required=False)

    def ValidateVolumeCapabilities(
        self, request: csi_pb2.ValidateVolumeCapabilitiesRequest, _is_active: IsActive
    ) -> csi_pb2.ValidateVolumeCapabilitiesResponse:
        volume, name = _claim(request.volume_id)
        if not request.volume_capabilities:
            raise Failed(Code.INVALID_ARGUMENT, "The call names no capabilities.")
        with _as_failed():
            self._claims.check(volume, name)
        try:
            _check(request.volume_capabilities)
        except Failed as failed:
            return csi_pb2.ValidateVolumeCapabilitiesResponse(message=str(failed))
        answer = csi_pb2.ValidateVolumeCapabilitiesResponse()
        answer.confirmed.volume_capabilities.extend(request.volume_capabilities)
        return answer


@contextmanager
def _as_failed() -> Iterator[None]:
    """Turns what Claims raises into Failed."""
    try:
        yield
    except NoSuchClaim as error:
        raise Failed(Code.NOT_FOUND, str(error)) from error
    except Unavailable as error:
        raise Failed(Code.UNAVAILABLE, str(error)) from error


def _claim(handle: str) -> tuple[str, str]:
    """Volume and directory of a claim's handle. Raises Failed for a handle that this service cannot have made."""
    if not handle:
        raise Failed(Code.INVALID_ARGUMENT, "The call names no volume.")
    try:
        found = parse(handle)
    except InvalidArgument as error:
        raise Failed(Code.INVALID_ARGUMENT, str(error)) from error
    parent, _, name = found.directory.partition("/")
    if parent != CLAIMS_DIR or not name or "/" in name or name.startswith("."):
        raise Failed(Code.NOT_FOUND, f"{handle} is not the directory of a claim, VOLUME/{CLAIMS_DIR}/NAME.")
    return found.volume, name


def _size(capacity: csi_pb2.CapacityRange) -> int:
    """The size in bytes of a new claim. Raises Failed if no size is within the range."""
    required, limit = capacity.required_bytes, capacity.limit_bytes
    if required < 0 or limit < 0 or (limit and required > limit):
        raise Failed(Code.OUT_OF_RANGE, f"No size is at least {required} and at most {limit} bytes.")
    return required or min(limit or DEFAULT_SIZE, DEFAULT_SIZE)


def _check(capabilities: Iterable[csi_pb2.VolumeCapability]) -> None:
    """Raises Failed unless there are capabilities, all of which the driver has."""
    found = list(capabilities)
    if not found:
        raise Failed(Code.INVALID_ARGUMENT, "The call names no capabilities.")
    for capability in found:
        if capability.WhichOneof("access_type") != "mount":
            raise Failed(Code.INVALID_ARGUMENT, "A gluster volume is not a block device: use volumeMode Filesystem.")
        try:
            mount_options(capability.mount.mount_flags)
        except InvalidArgument as error:
            raise Failed(Code.INVALID_ARGUMENT, str(error)) from error
