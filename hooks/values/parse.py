"""Values, checked and put into plain types. Pure: no cluster, no GlusterFS.

There are two stages, as in the chart: first the JSON schema, then what a schema cannot check. The second stage of the
chart, templates/validation, uses the same sentences: Helm refuses what the hook would refuse. The tests put
`tests/bad_values.yaml` to both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hooks.values.claims import claim_problems
from hooks.values.model import TLS_OPTIONS, Values, ValuesError
from hooks.values.nodes import node_problems, nodes_of
from hooks.values.schema import schema_problems
from hooks.values.volumes import deleted_of, volumes_of


def parse(raw: Mapping[str, Any]) -> Values:
    """Check whole values (see `hooks.values.files`) and return them in plain types.

    Raises ValuesError with every problem of the schema or, where there is none, with every one of the second stage.
    """
    if problems := schema_problems(raw):
        raise ValuesError(problems)
    nodes = nodes_of(raw)
    tls = raw["tls"]["enabled"]
    volumes, volume_problems = volumes_of(raw["volumes"], nodes, dict.fromkeys(TLS_OPTIONS, True) if tls else {})
    if problems := [*node_problems(raw), *volume_problems, *claim_problems(raw)]:
        raise ValuesError(problems)
    return Values(
        nodes=nodes,
        volumes=volumes,
        deleted=deleted_of(raw["volumes"]),
        allow_root_disk_bricks=raw["allowRootDiskBricks"],
        allow_downtime=raw["rollout"]["allowDowntime"],
        host_network=raw["hostNetwork"],
        cluster_domain=raw["clusterDomain"],
        state_path=raw["statePath"],
        plan_only=raw["hooks"]["planOnly"],
        disk_usage_threshold=raw["maintenance"]["diskUsageThreshold"],
        repair_rejected=raw["maintenance"]["repairRejected"],
        tls=tls,
    )
