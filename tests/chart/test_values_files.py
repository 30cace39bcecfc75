"""values.yaml, the schema and the README say the same, and no value is without effect."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import yaml

from hooks.values.model import Values, ValuesError
from hooks.values.parse import parse
from tests.chart.helm import CHART, EXAMPLES, Helm, Object
from tests.chart.readme import README, Schema, resolved, with_table
from tests.support.values import merged

SCHEMA: Schema = json.loads((CHART / "values.schema.json").read_text())
DEFAULTS: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
MAXIMAL: dict[str, Any] = yaml.safe_load(EXAMPLES["maximal"].read_text())


def objects(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Every schema of an object below `schema`, with its path."""
    schema = resolved(SCHEMA, schema)
    if schema.get("type") == "object":
        yield path, schema
    for key, below in schema.get("properties", {}).items():
        yield from objects(below, f"{path}.{key}")
    if "items" in schema:
        yield from objects(schema["items"], f"{path}[]")


def leaves(values: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key)


def at(values: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        values = values[part]
    return values


def changed(values: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    result = copy.deepcopy(values)
    at(result, path[:-1])[path[-1]] = value
    return result


def test_the_schema_is_draft_07_and_stands_alone() -> None:
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert set(_references(SCHEMA)) == {f"#/definitions/{name}" for name in SCHEMA["definitions"]}


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        for below in schema.values():
            yield from _references(below)


def test_the_schema_at_the_top_of_the_repository_is_this_one() -> None:
    link = CHART.parents[1] / "values.schema.json"
    assert link.is_symlink()
    assert link.resolve() == (CHART / "values.schema.json").resolve()


@pytest.mark.parametrize(("path", "schema"), list(objects(SCHEMA)), ids=lambda x: x if isinstance(x, str) else "")
def test_unknown_keys_are_refused_and_known_ones_described(path: str, schema: Schema) -> None:
    if path == ".global":
        return
    rest = schema["additionalProperties"]
    assert rest is False or "type" in rest, "free keys need a type for their values"
    for key, below in schema.get("properties", {}).items():
        description = resolved(SCHEMA, below).get("description", "")
        assert description.endswith((".", "`.")), f"{path}.{key} has no description in sentences"


def test_every_default_is_in_the_schema_and_every_key_of_the_schema_has_a_default() -> None:
    for path, schema in objects(SCHEMA):
        if "[]" in path or not schema.get("properties"):
            continue
        parts = tuple(path.split(".")[1:])
        found = at(DEFAULTS, parts)
        if parts and not found:
            continue  # such as resources: {}
        assert list(found) == [key for key in schema["properties"] if (*parts, key) != ("global",)], path


def test_the_defaults_pass_the_schema() -> None:
    jsonschema.Draft7Validator(SCHEMA).validate(DEFAULTS)


def test_the_maximal_example_has_every_value() -> None:
    assert set(leaves(DEFAULTS)) <= {path[: len(known)] for path in leaves(MAXIMAL) for known in leaves(DEFAULTS)}
    for entries in ("nodes", "volumes", "storageClasses", "imagePullSecrets"):
        known = set(SCHEMA["properties"][entries]["items"]["properties"])
        assert known == {key for entry in MAXIMAL[entries] for key in entry}


Effect = tuple[dict[tuple[str, str], Object], Values | str]


def effect(helm: Helm, values: dict[str, Any]) -> Effect:
    """What values lead to: the objects but for the one that holds the values, and what the hook makes of them."""
    try:
        parsed = parse(merged(values))
    except ValuesError as error:
        return {}, str(error)
    found = helm.template(values).by_key()
    return {key: o for key, o in found.items() if not key[1].endswith("-values")}, parsed


BASE: dict[str, Any] = {
    "nodes": MAXIMAL["nodes"],
    "volumes": [{"name": "any"}],
    "storageClasses": [{"name": "any", "volume": "any"}],
    "nfs": {"volumes": ["any"]},
}
"""With a storage class and a volume by NFS, for servers that have values of their own."""


@pytest.fixture(scope="module")
def base(helm4: Helm) -> Effect:
    return effect(helm4, BASE)


@pytest.mark.parametrize("path", [path for path in leaves(DEFAULTS) if path != ("nodes",)], ids=".".join)
def test_no_value_is_without_effect(helm4: Helm, base: Effect, path: tuple[str, ...]) -> None:
    values = copy.deepcopy(BASE)
    inner = values
    for part in path[:-1]:
        inner = inner.setdefault(part, {})
    inner[path[-1]] = at(MAXIMAL, path)
    if path == ("bricks",):
        inner["bricks"] = ["/mnt/other"]
    if path == ("tls", "existingSecret"):
        inner["enabled"] = True
    if path == ("hostNetwork",):
        values |= {"nodes": [{"name": "worker-1"}], "hostNetwork": False}  # its nodes may have no addresses
    assert inner[path[-1]] != at(DEFAULTS, path), "the maximal example must differ from the default"
    if path in (("csi", "enabled"), ("volumes",)):
        values |= {"storageClasses": [], "nfs": {}}
        base = effect(helm4, {"nodes": BASE["nodes"]})
    if path == ("storageClasses",):
        values["volumes"] += MAXIMAL["volumes"]
        base = effect(helm4, {**values, "storageClasses": []})
    if path == ("nfs", "volumes"):
        values["volumes"] += MAXIMAL["volumes"]
        base = effect(helm4, {**values, "nfs": {}})
    assert effect(helm4, values) != base


@pytest.mark.parametrize(
    ("entries", "key"),
    [
        (entries, key)
        for entries in ("nodes", "volumes", "storageClasses")
        for key in SCHEMA["properties"][entries]["items"]["properties"]
        if key not in ("name", "arbiter", "disperse", "redundancy", "volume")
    ],
)
def test_no_key_of_a_list_is_without_effect(helm4: Helm, entries: str, key: str) -> None:
    index = next(i for i, entry in enumerate(MAXIMAL[entries]) if entry.get(key))
    without = copy.deepcopy(MAXIMAL)
    del without[entries][index][key]
    assert effect(helm4, without) != effect(helm4, MAXIMAL)


def test_the_readme_has_the_table_of_today() -> None:
    text = README.read_text()
    assert text == with_table(text), "run `python -m tests.chart.readme`"
