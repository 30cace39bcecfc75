"""The second stage of checking values, for claims, storage classes, the driver and NFS: what a schema cannot check.

If you change a sentence here, change it in the chart's validation/_claims.tpl too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hooks.text import joined
from hooks.values.paths import PLAIN_PATH_WANTED, is_plain_path


def claim_problems(raw: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with `csi`, the volumes' `claims`, `storageClasses` and `nfs` of values that keep the schema."""
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
    yield from _class_problems(raw["storageClasses"], [volume["name"] for volume in raw["volumes"]])
    yield from _export_problems(
        raw["nfs"]["volumes"], [volume["name"] for volume in raw["volumes"] if volume.get("state") != "deleted"]
    )


def _class_problems(classes: Sequence[Mapping[str, Any]], volumes: Sequence[str]) -> Iterator[str]:
    names: dict[str, str] = {}
    default = ""
    for i, entry in enumerate(classes):
        here = f"storageClasses[{i}] ({entry['name']})"
        if entry["name"] in names:
            yield f"{here}: {names[entry['name']]} has this name too: give each class its own."
        else:
            names[entry["name"]] = f"storageClasses[{i}]"
        if entry["volume"] not in volumes:
            yield (
                f"{here}: {entry['volume']} is not in `volumes`: correct the name or add the volume; "
                f"there are {joined(volumes) or 'none'}."
            )
        if entry.get("default") and default:
            yield f"{here}: {default} is the default too: there can be one."
        elif entry.get("default"):
            default = f"storageClasses[{i}]"


def _export_problems(exports: Sequence[str], volumes: Sequence[str]) -> Iterator[str]:
    for i, name in enumerate(exports):
        if name not in volumes:
            yield (
                f"nfs.volumes[{i}]: {name} is not in `volumes`, or is to be deleted: correct the name or take it out; "
                f"there are {joined(volumes) or 'none'}."
            )
