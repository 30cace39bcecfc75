"""Who the driver is: the Identity service, and its registration with the kubelet.

Registration is two calls, which the driver answers itself: the usual sidecar, node-driver-registrar, would be one more
image in every pod, and one more version to keep up with.
"""

from __future__ import annotations

import logging
import os
from enum import Enum
from pathlib import Path

from csi import csi_pb2, registration_pb2
from csi.rpc import IsActive

log = logging.getLogger("csi")


class EndPoint(Enum):
    """Which service a socket has beside Identity."""

    NODE = "Node"
    CONTROLLER = "Controller"


class IdentityService:
    """Tells the driver's name and version, and what its end point can do."""

    def __init__(self, driver: str, version: str, end_point: EndPoint) -> None:
        self._info = csi_pb2.GetPluginInfoResponse(name=driver, vendor_version=version)
        self._capabilities = csi_pb2.GetPluginCapabilitiesResponse()
        if end_point is EndPoint.CONTROLLER:
            kind = csi_pb2.PluginCapability
            self._capabilities.capabilities.add().service.type = kind.Service.CONTROLLER_SERVICE
            self._capabilities.capabilities.add().volume_expansion.type = kind.VolumeExpansion.ONLINE

    def GetPluginInfo(
        self, _request: csi_pb2.GetPluginInfoRequest, _is_active: IsActive
    ) -> csi_pb2.GetPluginInfoResponse:
        return self._info

    def GetPluginCapabilities(
        self, _request: csi_pb2.GetPluginCapabilitiesRequest, _is_active: IsActive
    ) -> csi_pb2.GetPluginCapabilitiesResponse:
        return self._capabilities

    def Probe(self, _request: csi_pb2.ProbeRequest, _is_active: IsActive) -> csi_pb2.ProbeResponse:
        return csi_pb2.ProbeResponse()


class RegistrationService:
    """Tells the kubelet, which finds this service's socket in plugins_registry, where the driver listens.

    `socket` is that path on the node. The file `done` is made once the kubelet has registered the driver.
    """

    def __init__(self, driver: str, socket: str, done: Path) -> None:
        self._info = registration_pb2.PluginInfo(
            type="CSIPlugin", name=driver, endpoint=socket, supported_versions=["1.0.0"]
        )
        self._done = done
        self._done.unlink(missing_ok=True)

    def GetInfo(self, _request: registration_pb2.InfoRequest, _is_active: IsActive) -> registration_pb2.PluginInfo:
        return self._info

    def NotifyRegistrationStatus(
        self, request: registration_pb2.RegistrationStatus, _is_active: IsActive
    ) -> registration_pb2.RegistrationStatusResponse:
        if not request.plugin_registered:
            log.error("The kubelet rejects the driver %s: %s", self._info.name, request.error)
            os._exit(1)
        self._done.touch()
        return registration_pb2.RegistrationStatusResponse()
