"""A way to an API server: requests, answered in plain JSON, and exec in a peer. The CSI controller uses it too.

Facts on exec are measured with kubernetes 37.0: with preloading the exit code is lost; the handshake has no time-out;
`stream()` swaps a method of its ApiClient, so that each thread needs one of its own.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

import websocket
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import stream
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from hooks.gluster.runner import ExecResult, OutcomeUnknown, PeerUnavailable
from hooks.kube.pods import CONTAINER

REQUEST_SECONDS = 20
PATIENCE = Retry(
    total=8,
    backoff_factor=0.5,
    backoff_max=10,
    allowed_methods=None,
    status_forcelist=(429, 500, 502, 503, 504),
    raise_on_status=False,
)
"""How a pod repeats a request: for 45 s where nobody listens, as when an API server is restarted. A write may then be
made twice, or get a conflict, which its caller takes for another's work."""
PAGE_SIZE = 500
"""Objects in one answer, where those of the whole cluster are listed."""
# The bytes of stdin are counted: an exec over a websocket cannot be told that its input has ended.
_WITH_STDIN = 'n=$1; shift; head -c "$n" | "$@"'


websocket.setdefaulttimeout(REQUEST_SECONDS)  # the handshake of an exec has no time-out of its own


class ClusterError(Exception):
    """No API server is configured, or it does not answer."""


class KubeClient:
    """An API server, and the namespace that requests for it are made in."""

    def __init__(self, namespace: str, kubeconfig: str | None = None, context: str | None = None):
        """In a pod: its ServiceAccount, and patience. Elsewhere `kubeconfig` (default: as kubectl's) and `context`.

        Raises ClusterError if there is neither.
        """
        self.namespace = namespace
        self._configuration = client.Configuration()
        try:
            if kubeconfig is None and context is None and "KUBERNETES_SERVICE_HOST" in os.environ:
                config.load_incluster_config(self._configuration)  # type: ignore[no-untyped-call]
                self._configuration.retries = PATIENCE
            else:
                config.load_kube_config(  # type: ignore[no-untyped-call]
                    kubeconfig, context, client_configuration=self._configuration
                )
        except config.ConfigException as error:
            raise ClusterError(
                f"There is no way to a cluster: {error}. Give --kubeconfig, or set KUBECONFIG."
            ) from error
        api = client.ApiClient(self._configuration)
        self.core = client.CoreV1Api(api)
        self.apps = client.AppsV1Api(api)
        self.coordination = client.CoordinationV1Api(api)
        self._version = client.VersionApi(api)
        self._threads = threading.local()

    def kubernetes_version(self) -> str:
        """The API server's version, such as v1.37.0."""
        return str(request(self._version.get_code)["gitVersion"])

    def pods_everywhere(self) -> list[dict[str, Any]]:
        """All pods of the cluster."""
        return _all_pages(self.core.list_pod_for_all_namespaces)

    def persistent_volumes(self) -> list[dict[str, Any]]:
        """All PersistentVolumes of the cluster."""
        return _all_pages(self.core.list_persistent_volume)

    def exec(self, pod: str, argv: Sequence[str], stdin: str, timeout: float) -> ExecResult:
        """Run `argv` in the peer container of `pod`, see Runner.run."""
        core = getattr(self._threads, "core", None)
        if core is None:
            core = self._threads.core = client.CoreV1Api(client.ApiClient(self._configuration))
        data = stdin.encode()
        command = ["sh", "-c", _WITH_STDIN, "sh", str(len(data)), *argv] if data else list(argv)
        try:
            connection = stream(
                core.connect_get_namespaced_pod_exec,
                pod,
                self.namespace,
                container=CONTAINER,
                command=command,
                stdin=bool(data),
                stdout=True,
                stderr=True,
                tty=False,
                _preload_content=False,
            )
        except ApiException as error:
            raise PeerUnavailable(f"The pod {pod} takes no command: {error.reason}") from error
        try:
            if data:
                connection.write_stdin(stdin)
            connection.run_forever(timeout=timeout)
            if connection.is_open():
                raise OutcomeUnknown(f"`{argv[0]}` in the pod {pod} did not end within {timeout:.0f} s")
            out, err, status = (connection.read_channel(channel, timeout=0) for channel in (1, 2, 3))
        except (OSError, websocket.WebSocketException) as error:
            raise OutcomeUnknown(f"The connection to the pod {pod} broke: {error}") from error
        finally:
            connection.close()
        return ExecResult(out, err, _exit_code(pod, status))


def request(call: Callable[..., Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Make one request of the generated client; its answer as plain JSON.

    Raises ApiException with what the API server reports, ClusterError if it does not answer.
    """
    try:
        response = call(*args, **kwargs, _preload_content=False, _request_timeout=REQUEST_SECONDS)
        body = json.loads(response.read())
    except HTTPError as error:
        raise ClusterError(f"The API server cannot be reached: {error}") from error
    if response.status >= 300:
        raise ApiException(status=response.status, reason=body.get("message", response.reason))
    return dict(body)


def find(call: Callable[..., Any], *args: Any) -> dict[str, Any] | None:
    """As `request`, but None if there is no such object."""
    try:
        return request(call, *args)
    except ApiException as error:
        if error.status == 404:
            return None
        raise


def _all_pages(call: Callable[..., Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    more: dict[str, Any] = {}
    while True:
        page = request(call, limit=PAGE_SIZE, **more)
        found += page["items"]
        if not (token := page["metadata"].get("continue")):
            return found
        more = {"_continue": token}


def _exit_code(pod: str, status: str) -> int:
    """Channel 3 ends an exec with a Status; without an exit code in it nobody knows what became of the command."""
    try:
        parsed = json.loads(status)
    except ValueError:
        raise OutcomeUnknown(f"The connection to the pod {pod} ended before the command's status came") from None
    if parsed.get("status") == "Success":
        return 0
    for cause in parsed.get("details", {}).get("causes", []):
        if cause.get("reason") == "ExitCode":
            return int(cause["message"])
    raise OutcomeUnknown(f"The pod {pod} says: {parsed.get('message', status)}")
