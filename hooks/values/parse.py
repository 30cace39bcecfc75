"""Values as they are written, checked and put into plain types. Pure: no cluster, no GlusterFS.

Two stages, as in the chart: the JSON schema first, then what a schema cannot say. The chart's `_validate.tpl` says the
second in the same words: `helm template` refuses what the hook would refuse. `tests/bad_values.yaml` is put to both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hooks.values.claims import claim_problems
from hooks.values.model import Values, ValuesError
from hooks.values.nodes import node_problems, nodes_of
from hooks.values.schema import schema_problems
from hooks.values.volumes import deleted_of, volumes_of


def parse(raw: Mapping[str, Any]) -> Values:
    """Check whole values (see `hooks.values_file`) and return them in plain types.

    Raises ValuesError with every problem of the schema or, where there is none, with every one of the second stage.
    """
    if problems := schema_problems(raw):
        raise ValuesError(problems)
    nodes = nodes_of(raw)
    volumes, volume_problems = volumes_of(raw["volumes"], nodes, raw["tls"]["enabled"])
    if problems := [*node_problems(raw), *volume_problems, *claim_problems(raw)]:
        raise ValuesError(problems)
    return Values(
        nodes,
        volumes,
        raw["allowRootDiskBricks"],
        raw["rollout"]["allowDowntime"],
        raw["hostNetwork"],
        raw["clusterDomain"],
        raw["statePath"],
        raw["hooks"]["planOnly"],
        deleted_of(raw["volumes"]),
        raw["maintenance"]["diskUsageThreshold"],
        raw["maintenance"]["repairRejected"],
        raw["tls"]["enabled"],
    )
