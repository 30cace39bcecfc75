"""Who the driver is: the Identity service, and its registration with the kubelet.

The registration is two calls, so the driver answers them itself; the usual sidecar for it would be one more image in
every pod, and one more version to keep up with.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from csi import csi_pb2, registration_pb2
from csi.rpc import Alive

log = logging.getLogger("csi")


class Identity:
    """`controller` says whether this end point makes volumes."""

    def __init__(self, driver: str, version: str, controller: bool) -> None:
        self._info = csi_pb2.GetPluginInfoResponse(name=driver, vendor_version=version)
        self._capabilities = csi_pb2.GetPluginCapabilitiesResponse()
        if controller:
            kind = csi_pb2.PluginCapability
            self._capabilities.capabilities.add().service.type = kind.Service.CONTROLLER_SERVICE
            self._capabilities.capabilities.add().volume_expansion.type = kind.VolumeExpansion.ONLINE

    def GetPluginInfo(self, _request: csi_pb2.GetPluginInfoRequest, _alive: Alive) -> csi_pb2.GetPluginInfoResponse:
        return self._info

    def GetPluginCapabilities(
        self, _request: csi_pb2.GetPluginCapabilitiesRequest, _alive: Alive
    ) -> csi_pb2.GetPluginCapabilitiesResponse:
        return self._capabilities

    def Probe(self, _request: csi_pb2.ProbeRequest, _alive: Alive) -> csi_pb2.ProbeResponse:
        return csi_pb2.ProbeResponse()


class Registration:
    """Tells the kubelet, which finds this service's socket in its folder, where the driver listens.

    `socket` is that path on the node. `done` is a file that is there once the kubelet has taken the driver.
    """

    def __init__(self, driver: str, socket: str, done: Path) -> None:
        self._info = registration_pb2.PluginInfo(
            type="CSIPlugin", name=driver, endpoint=socket, supported_versions=["1.0.0"]
        )
        self._done = done
        self._done.unlink(missing_ok=True)

    def GetInfo(self, _request: registration_pb2.InfoRequest, _alive: Alive) -> registration_pb2.PluginInfo:
        return self._info

    def NotifyRegistrationStatus(
        self, request: registration_pb2.RegistrationStatus, _alive: Alive
    ) -> registration_pb2.RegistrationStatusResponse:
        if not request.plugin_registered:
            log.error("The kubelet does not take the driver %s: %s", self._info.name, request.error)
            os._exit(1)
        self._done.touch()
        return registration_pb2.RegistrationStatusResponse()
