"""Whole values for tests that need no Helm: a user's values laid over the chart's defaults."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).resolve().parents[2] / "charts" / "glusterfs"


def merged(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values over the chart's defaults: maps key by key, lists as a whole, null removes a default.

    tests/chart/test_plan_values.py holds it against what Helm makes of the chart's examples.
    """
    return _merge(copy.deepcopy(_defaults()), copy.deepcopy(values))


@cache
def _defaults() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    return found


def _merge(default: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    result = {key: value for key, value in default.items() if key not in values}
    for key, value in values.items():
        below = default.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            result[key] = _merge(below, value)
        elif value is not None or key not in default:
            result[key] = value
    return result
