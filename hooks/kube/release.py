"""What the API server has of one Helm release: its pods, record, Secret, Lease and Events."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kubernetes.client import V1Lease
from kubernetes.client.exceptions import ApiException

from hooks.gluster.runner import ExecResult
from hooks.kube.client import KubeClient, find, request

_PARTS = "app.kubernetes.io/name=glusterfs,app.kubernetes.io/component={part},app.kubernetes.io/instance={release}"


class Release:
    """The release `name` in the namespace of `client`."""

    def __init__(self, client: KubeClient, name: str):
        self.client = client
        self.namespace = client.namespace
        self.name = name
        self._core, self._apps, self._coordination = client.core, client.apps, client.coordination

    def pods(self) -> list[dict[str, Any]]:
        """The release's peer pods, as the API's JSON."""
        return self._pods("peer")

    def hooks_at_work(self) -> list[str]:
        """Names of the pods of guard and converge Jobs of the release that have not ended."""
        hooks = self._pods("hook")
        return [p["metadata"]["name"] for p in hooks if p["status"].get("phase") not in ("Succeeded", "Failed")]

    def _pods(self, part: str) -> list[dict[str, Any]]:
        selector = _PARTS.format(part=part, release=self.name)
        return list(request(self._core.list_namespaced_pod, self.namespace, label_selector=selector)["items"])

    def stateful_sets(self) -> list[dict[str, Any]]:
        """The StatefulSets of the release's peers."""
        selector = _PARTS.format(part="peer", release=self.name)
        return list(request(self._apps.list_namespaced_stateful_set, self.namespace, label_selector=selector)["items"])

    def delete_pod(self, name: str) -> None:
        """Delete a pod; its StatefulSet makes it anew."""
        find(self._core.delete_namespaced_pod, name, self.namespace)

    def warnings(self) -> list[dict[str, Any]]:
        """The namespace's warning events."""
        return list(request(self._core.list_namespaced_event, self.namespace, field_selector="type=Warning")["items"])

    def events(self, component: str) -> list[dict[str, Any]]:
        """The namespace's events that `component` has written."""
        selector = f"source={component}"
        return list(request(self._core.list_namespaced_event, self.namespace, field_selector=selector)["items"])

    def make_event(self, event: Mapping[str, Any]) -> None:
        """Make an Event."""
        request(self._core.create_namespaced_event, self.namespace, event)

    def change_event(self, event: Mapping[str, Any]) -> None:
        """Change the Event of this name; one that is gone stays so."""
        find(self._core.patch_namespaced_event, event["metadata"]["name"], self.namespace, event)

    def pod_is_gone(self, name: str) -> bool:
        """Whether a pod has ended or does not exist."""
        pod = find(self._core.read_namespaced_pod, name, self.namespace)
        return pod is None or pod["status"].get("phase") in ("Succeeded", "Failed")

    def record(self, name: str) -> dict[str, str]:
        """The data of the ConfigMap `name`; empty if there is none."""
        found = find(self._core.read_namespaced_config_map, name, self.namespace) or {}
        return dict(found.get("data") or {})

    def write_record(self, name: str, data: Mapping[str, str]) -> None:
        """Set keys of the ConfigMap `name`, which the chart has made without any."""
        request(self._core.patch_namespaced_config_map, name, self.namespace, {"data": dict(data)})

    def secret(self, name: str) -> dict[str, bytes] | None:
        """See certificates.Store."""
        found = find(self._core.read_namespaced_secret, name, self.namespace)
        return found and {key: base64.b64decode(value) for key, value in (found.get("data") or {}).items()}

    def make_secret(self, name: str, data: Mapping[str, bytes]) -> bool:
        """See certificates.Store."""
        try:
            request(self._core.create_namespaced_secret, self.namespace, _secret(name, data))
        except ApiException as error:
            if error.status == 409:
                return False
            raise
        return True

    def write_secret(self, name: str, data: Mapping[str, bytes]) -> None:
        """See certificates.Store."""
        request(self._core.replace_namespaced_secret, name, self.namespace, _secret(name, data))

    def lease(self, name: str) -> dict[str, Any] | None:
        """The Lease `name`, or None."""
        return find(self._coordination.read_namespaced_lease, name, self.namespace)

    def take_lease(self, name: str, holder: str, seconds: int, current: Mapping[str, Any] | None) -> bool:
        """Make the Lease, or replace it if `current` is what was read. False if somebody else was first."""
        now = datetime.now(UTC)
        body = V1Lease.from_dict(
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
                request(self._coordination.create_namespaced_lease, self.namespace, body)
            else:
                request(self._coordination.replace_namespaced_lease, name, self.namespace, body)
        except ApiException as error:
            if error.status == 409:
                return False
            raise
        return True


@dataclass
class PodRunner:
    """The Runner that reaches peers by exec through the API server, and counts.

    `pods` are the names of the peers' pods, by the names of their nodes.
    """

    client: KubeClient
    pods: Mapping[str, str]
    execs: int = 0

    def run(self, peer: str, argv: Sequence[str], stdin: str = "", timeout: float = 60) -> ExecResult:
        """See runner.Runner."""
        self.execs += 1
        return self.client.exec(self.pods[peer], argv, stdin, timeout)


def _secret(name: str, data: Mapping[str, bytes]) -> dict[str, Any]:
    """No label says whose it is: what prunes objects by such labels, as Argo CD may, has to leave it alone."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": name},
        "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
    }
