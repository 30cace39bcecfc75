"""Values files, read and laid over the chart's defaults as Helm does, for a hook that runs outside the cluster too."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from hooks.values.model import ValuesError

DEFAULTS = Path(__file__).resolve().parents[2] / "charts" / "glusterfs" / "values.yaml"


def load(path: str | Path, defaults: bool = True) -> dict[str, Any]:
    """Read a values file and lay it over the chart's defaults (`defaults`), the way Helm does; not yet checked.

    Raises ValuesError, with file and line, when it cannot be read, is no YAML map or has a key twice.
    """
    try:
        found = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 (it is a SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise ValuesError([f"{path} cannot be read: {error}"]) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{path}, line {mark.line + 1}, column {mark.column + 1}" if mark else str(path)
        raise ValuesError([f"{where}: {error.problem or error}: correct the YAML there."]) from error
    except yaml.YAMLError as error:
        raise ValuesError([f"{path} is no YAML: {error}"]) from error
    if found is None:
        found = {}
    if not isinstance(found, dict):
        raise ValuesError([f"{path} holds no map of values: begin with a key such as `nodes:`."])
    return merged(found) if defaults else found


def merged(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values laid over the chart's defaults as Helm does: maps key by key, lists as a whole, null removes a default."""
    return _merge(load(DEFAULTS, defaults=False), values)


def _merge(default: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    result = {key: value for key, value in default.items() if key not in values}
    for key, value in values.items():
        below = default.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            result[key] = _merge(below, value)
        elif value is not None or key not in default:
            result[key] = value
    return result


class _Loader(yaml.SafeLoader):
    """YAML as Helm reads it: keys are strings, no dates, no base 60, 1e6 is a number; and no key twice."""

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:  # type: ignore[override]
        node: yaml.MappingNode = super().compose_mapping_node(anchor)  # type: ignore[arg-type]
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.MarkedYAMLError(problem=f"{key.value} is there twice", problem_mark=key.start_mark)
                seen.add(key.value)
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        self.flatten_mapping(node)
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        texts = [key if isinstance(key, str) else json.dumps(key) for key in keys]
        return {text: self.construct_object(value, deep) for text, (_, value) in zip(texts, node.value, strict=True)}


_INT = r"[-+]?(0b[01_]+|0o?[0-7_]*|0x[0-9a-fA-F_]+|[1-9][0-9_]*)$"
_FLOAT = r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?$|[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$"
_REPLACED = {f"tag:yaml.org,2002:{kind}" for kind in ("bool", "int", "float", "timestamp")}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _REPLACED]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.bool_values = {**yaml.SafeLoader.bool_values, "y": True, "n": False}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool",
    re.compile(r"([yY]|[nN]|yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$"),
    list("yYnNtTfFoO"),
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(_INT), list("-+0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(_FLOAT), list("-+.0123456789"))
