"""The second stage of checking values, for claims and the driver: what a schema cannot say.

Whoever changes a sentence here changes it in the chart's _csi.tpl too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hooks.values_words import PLAIN_PATH_WANTED, is_plain_path


def claim_problems(raw: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with `csi` and with the volumes' `claims` of values that keep the schema."""
    path = raw["csi"]["kubeletPath"]
    if not is_plain_path(path):
        yield f"csi.kubeletPath: {path} {PLAIN_PATH_WANTED}, such as /var/lib/kubelet."
    claims: dict[str, str] = {}
    for i, volume in enumerate(raw["volumes"]):
        for j, claim in enumerate(volume.get("claims", [])):
            name, here = f"{claim['namespace']}/{claim['name']}", f"volumes[{i}].claims[{j}]"
            if name in claims:
                yield (
                    f"{here} ({claim['name']}): {claims[name]} is the claim {name} too: "
                    "give each claim a name of its own."
                )
            else:
                claims[name] = here
