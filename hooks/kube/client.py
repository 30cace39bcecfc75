"""Kubernetes, and nothing else: the only module that talks to an API server.

Facts on exec are measured with kubernetes 37.0: with preloading the exit code is lost; the handshake knows no time-out;
`stream()` swaps a method of its ApiClient, so that each thread needs one of its own.
"""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
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
"""How a hook in a pod repeats a request: for 45 s where nobody listens, as when an API server is restarted. What writes
may be made twice, or conflicts then, which its caller takes for another's work."""
PAGE = 500
"""Objects that one request lists, where the whole cluster's are asked for."""
_PARTS = "app.kubernetes.io/name=glusterfs,app.kubernetes.io/component={part},app.kubernetes.io/instance={release}"
# The bytes of stdin are counted: an exec over a websocket cannot be told that its input has ended.
_WITH_STDIN = 'n=$1; shift; head -c "$n" | "$@"'


websocket.setdefaulttimeout(REQUEST_SECONDS)  # the handshake of an exec has no time-out of its own


class ClusterError(Exception):
    """There is no way to an API server, or it does not answer."""


class Cluster:
    """One release in one namespace."""

    def __init__(self, namespace: str, release: str, kubeconfig: str | None = None, context: str | None = None):
        """In a pod: its ServiceAccount, and patience. Elsewhere `kubeconfig` (default: as kubectl's) and `context`.

        Raises ClusterError when there is neither.
        """
        self.namespace = namespace
        self.release = release
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
        self._core = client.CoreV1Api(api)
        self._apps = client.AppsV1Api(api)
        self._leases = client.CoordinationV1Api(api)
        self._version = client.VersionApi(api)
        self._threads = threading.local()

    def kubernetes_version(self) -> str:
        """The API server's version, such as v1.37.0."""
        return str(_json(self._version.get_code)["gitVersion"])

    def pods(self) -> list[dict[str, Any]]:
        """The release's peer pods, as the API's JSON."""
        return self._pods("peer")

    def hooks_at_work(self) -> list[str]:
        """Names of the pods of guard and converge Jobs of the release that have not ended."""
        hooks = self._pods("hook")
        return [p["metadata"]["name"] for p in hooks if p["status"].get("phase") not in ("Succeeded", "Failed")]

    def _pods(self, part: str) -> list[dict[str, Any]]:
        selector = _PARTS.format(part=part, release=self.release)
        return list(_json(self._core.list_namespaced_pod, self.namespace, label_selector=selector)["items"])

    def stateful_sets(self) -> list[dict[str, Any]]:
        """The StatefulSets of the release's peers."""
        selector = _PARTS.format(part="peer", release=self.release)
        return list(_json(self._apps.list_namespaced_stateful_set, self.namespace, label_selector=selector)["items"])

    def delete_pod(self, name: str) -> None:
        """Delete a pod; its StatefulSet makes it anew."""
        _found(self._core.delete_namespaced_pod, name, self.namespace)

    def warnings(self) -> list[dict[str, Any]]:
        """The namespace's warning events."""
        return list(_json(self._core.list_namespaced_event, self.namespace, field_selector="type=Warning")["items"])

    def events(self, component: str) -> list[dict[str, Any]]:
        """The namespace's events that `component` has written."""
        selector = f"source={component}"
        return list(_json(self._core.list_namespaced_event, self.namespace, field_selector=selector)["items"])

    def write_event(self, event: Mapping[str, Any], new: bool) -> None:
        """Make an Event, or lay it over the one of this name."""
        if new:
            _json(self._core.create_namespaced_event, self.namespace, event)
        else:
            _found(self._core.patch_namespaced_event, event["metadata"]["name"], self.namespace, event)

    def pod_is_gone(self, name: str) -> bool:
        """Whether a pod is no more, or has ended."""
        pod = _found(self._core.read_namespaced_pod, name, self.namespace)
        return pod is None or pod["status"].get("phase") in ("Succeeded", "Failed")

    def pods_everywhere(self) -> list[dict[str, Any]]:
        """All pods of the cluster."""
        return self._all(self._core.list_pod_for_all_namespaces)

    def persistent_volumes(self) -> list[dict[str, Any]]:
        """All PersistentVolumes of the cluster."""
        return self._all(self._core.list_persistent_volume)

    def _all(self, call: Callable[..., Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        more: dict[str, Any] = {}
        while True:
            page = _json(call, limit=PAGE, **more)
            found += page["items"]
            if not (token := page["metadata"].get("continue")):
                return found
            more = {"_continue": token}

    def record(self, name: str) -> dict[str, str]:
        """The data of the ConfigMap `name`; empty when there is none."""
        found = _found(self._core.read_namespaced_config_map, name, self.namespace) or {}
        return dict(found.get("data") or {})

    def write_record(self, name: str, data: Mapping[str, str]) -> None:
        """Set keys of the ConfigMap `name`, which the chart has made without any."""
        _json(self._core.patch_namespaced_config_map, name, self.namespace, {"data": dict(data)})

    def secret(self, name: str) -> dict[str, bytes] | None:
        """See certificates.Store."""
        found = _found(self._core.read_namespaced_secret, name, self.namespace)
        return found and {key: base64.b64decode(value) for key, value in (found.get("data") or {}).items()}

    def make_secret(self, name: str, data: Mapping[str, bytes]) -> bool:
        """See certificates.Store."""
        try:
            _json(self._core.create_namespaced_secret, self.namespace, _secret(name, data))
        except ApiException as error:
            if error.status == 409:
                return False
            raise
        return True

    def write_secret(self, name: str, data: Mapping[str, bytes]) -> None:
        """See certificates.Store."""
        _json(self._core.replace_namespaced_secret, name, self.namespace, _secret(name, data))

    def lease(self, name: str) -> dict[str, Any] | None:
        """The Lease `name`, or None."""
        return _found(self._leases.read_namespaced_lease, name, self.namespace)

    def take_lease(self, name: str, holder: str, seconds: int, current: Mapping[str, Any] | None) -> bool:
        """Make the Lease (or, where `current` is what was read, replace it). False when somebody else did so first."""
        now = datetime.now(UTC)
        body = client.V1Lease.from_dict(
            {
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": {
                    "name": name,
                    **({"resourceVersion": current["metadata"]["resourceVersion"]} if current else {}),
                },
                "spec": {
                    "holderIdentity": holder,
                    "leaseDurationSeconds": seconds,
                    "renewTime": now,
                    "acquireTime": now,
                },
            }
        )
        try:
            if current is None:
                _json(self._leases.create_namespaced_lease, self.namespace, body)
            else:
                _json(self._leases.replace_namespaced_lease, name, self.namespace, body)
        except ApiException as error:
            if error.status == 409:
                return False
            raise
        return True

    def runner(self, pods: Mapping[str, str]) -> PodRunner:
        """A Runner for peers whose pods are `pods` (node's name -> pod's name)."""
        return PodRunner(self, pods)

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


@dataclass
class PodRunner:
    """The Runner that reaches peers by exec through the API server, and counts."""

    cluster: Cluster
    pods: Mapping[str, str]
    execs: int = 0

    def run(self, peer: str, argv: Sequence[str], stdin: str = "", timeout: float = 60) -> ExecResult:
        """See runner.Runner."""
        self.execs += 1
        return self.cluster.exec(self.pods[peer], argv, stdin, timeout)


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


def _secret(name: str, data: Mapping[str, bytes]) -> dict[str, Any]:
    """No label says whose it is: what prunes objects by such labels, as Argo CD may, has to leave it alone."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": name},
        "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
    }


def _found(call: Callable[..., Any], *args: Any) -> dict[str, Any] | None:
    try:
        return _json(call, *args)
    except ApiException as error:
        if error.status == 404:
            return None
        raise


def _json(call: Callable[..., Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
    """One request of the generated client, its answer as plain JSON.

    Raises ApiException as the API server says, ClusterError when it says nothing.
    """
    try:
        response = call(*args, **kwargs, _preload_content=False, _request_timeout=REQUEST_SECONDS)
        body = json.loads(response.read())
    except HTTPError as error:
        raise ClusterError(f"The API server cannot be reached: {error}") from error
    if response.status >= 300:
        raise ApiException(status=response.status, reason=body.get("message", response.reason))
    return dict(body)
