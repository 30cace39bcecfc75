"""The `delete-guard` command: no uninstall, and no upgrade to values without the driver, cuts off pods."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from hooks.kube.release import Release
from hooks.run.endings import ExitCode
from hooks.run.report import Report
from hooks.text import counted

Object = Mapping[str, Any]


class Before(Enum):
    """What the guard runs before, with what that would have done."""

    UNINSTALL = "deleted"
    UPGRADE = "changed"


@dataclass(frozen=True, order=True)
class VolumeConsumer:
    """A pod that has a claim of the driver's on its node."""

    namespace: str
    pod: str
    claim: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.pod} (claim {self.claim})"


def run(release: Release, driver: str, before: Before, report: Report) -> ExitCode:
    """Refuse what is to come while pods mount volumes of `driver`."""
    found = consumers(driver, release.client.persistent_volumes(), release.client.pods_everywhere())
    report.conclude(refusal_text(found, release.name, release.namespace, before))
    return ExitCode.REFUSED if found else ExitCode.DONE


def consumers(driver: str, volumes: Iterable[Object], pods: Iterable[Object]) -> list[VolumeConsumer]:
    """Who uses PersistentVolumes of `driver`, out of the API's JSON: claims in values, of storage classes, by hand.

    Pods that have ended hold no mount, pods without a node have none yet. Volumes of Kubernetes' own glusterfs plugin
    are not looked for: it went with 1.26, the oldest version that the chart takes.
    """
    claims = {
        (bound["namespace"], bound["name"])
        for volume in volumes
        if volume["spec"].get("csi", {}).get("driver") == driver and (bound := volume["spec"].get("claimRef"))
    }
    return sorted(
        VolumeConsumer(pod["metadata"]["namespace"], pod["metadata"]["name"], claim)
        for pod in pods
        if pod["spec"].get("nodeName") and pod["status"].get("phase") not in ("Succeeded", "Failed")
        for claim in _claims(pod)
        if (pod["metadata"]["namespace"], claim) in claims
    )


def _claims(pod: Object) -> Iterator[str]:
    for volume in pod["spec"].get("volumes", []):
        if "persistentVolumeClaim" in volume:
            yield volume["persistentVolumeClaim"]["claimName"]
        elif "ephemeral" in volume:
            yield f"{pod['metadata']['name']}-{volume['name']}"


def refusal_text(found: Sequence[VolumeConsumer], release: str, namespace: str, before: Before) -> str:
    """A sentence that needs no other, and why what is to come ends here if there are `found` consumers."""
    if not found:
        return "No pod uses a volume of this release: it may go."
    pods = {(consumer.namespace, consumer.pod) for consumer in found}
    # Seen with Helm 3 and 4: after the uninstall the release is `uninstalling` and "has no deployed releases".
    remedies = {
        Before.UNINSTALL: "Delete these pods, then uninstall again.\n"
        f"To uninstall all the same: `helm uninstall {release} -n {namespace} --no-hooks`. To keep the release: "
        f"`helm rollback {release} REVISION -n {namespace}` with the last revision of `helm history`: Helm "
        "refuses upgrades before that.",
        Before.UPGRADE: "These values have no claims and no storage classes: keep the driver with "
        "`csi.enabled: true`, or delete these pods and upgrade again.",
    }
    mount = "still mounts" if len(pods) == 1 else "still mount"
    return "\n".join(
        [
            f"Refused, nothing was {before.value}: {counted(len(pods), 'pod')} {mount} volumes of this release.",
            *(f"  - {consumer}" for consumer in found),
            f"Without the driver the kubelet can neither mount nor unmount for them. {remedies[before]}",
            "`hooks.deleteGuard: false` switches this check off.",
        ]
    )
