"""Names of the chart's objects, for a hook that runs outside the cluster: there the chart's Job does not tell them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any


def fullname(values: Mapping[str, Any], release: str) -> str:
    """The start of the names of the chart's objects, as its helper `glusterfs.fullname` makes it of merged values."""
    name = values["nameOverride"] or "glusterfs"
    plain = name in release or ("gluster" in release and not values["nameOverride"])
    full = str(values["fullnameOverride"] or (release if plain else f"{release}-{name}"))
    if len(full) <= 40 and "." not in full:
        return full
    return f"{full.replace('.', '-')[:31].removesuffix('-')}-{hashlib.sha256(full.encode()).hexdigest()[:8]}"
