"""Findings as Events of the peers' StatefulSets: one Event a finding, however often it is found. Pure.

Which findings there are, with their reasons and sentences, is in plan.health and run.repairs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from hooks.kube.pods import NODE_ANNOTATION
from hooks.plan.model import Finding

COMPONENT = "glusterfs-maintenance"
_LONGEST = 1024
"""Characters that Kubernetes takes as an Event's message."""


def events_of(
    findings: Sequence[Finding],
    sets: Sequence[Mapping[str, Any]],
    known: Sequence[Mapping[str, Any]],
    now: str,
) -> list[dict[str, Any]]:
    """The Events to write, out of the API's JSON: the release's StatefulSets, the Events `known` from earlier runs.

    The name of an Event is made of its finding's place and reason, so that a finding that lasts counts on in the one it
    has; Kubernetes forgets an Event an hour after it was written last. `now` is the time in RFC 3339.
    """
    by_node = {found["metadata"].get("annotations", {}).get(NODE_ANNOTATION, ""): found for found in sets}
    before = {event["metadata"]["name"]: event for event in known}
    if not by_node:
        return []
    first = by_node[min(by_node)]
    events = {}
    for finding in findings:
        owner, text = by_node.get(finding.node, first)["metadata"], str(finding)
        name = f"{owner['name']}.{hashlib.sha256(f'{finding.kind} {finding.key}'.encode()).hexdigest()[:16]}"
        old = before.get(name, {})
        events[name] = {
            "metadata": {"name": name, "namespace": owner["namespace"]},
            "involvedObject": {
                "apiVersion": "apps/v1",
                "kind": "StatefulSet",
                "name": owner["name"],
                "namespace": owner["namespace"],
                "uid": owner["uid"],
            },
            "type": "Normal" if finding.resolved else "Warning",
            "reason": finding.kind,
            "message": text if len(text) <= _LONGEST else f"{text[: _LONGEST - 4]} ...",
            "source": {"component": COMPONENT},
            "reportingComponent": COMPONENT,
            "firstTimestamp": old.get("firstTimestamp", now),
            "lastTimestamp": now,
            "count": old.get("count", 0) + 1,
        }
    return list(events.values())
