"""Writes the table of values in the chart's README out of schema and values.yaml: `python -m tests.chart.readme`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).resolve().parents[2] / "charts" / "glusterfs"
README = CHART / "README.md"
BEGIN, END = "<!-- values: written by `python -m tests.chart.readme` -->\n", "<!-- end of values -->\n"

Schema = dict[str, Any]


def table() -> str:
    """The table: every value that the schema knows, its default in values.yaml and what it means."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    lines = ["| Value | Default | Meaning |", "|---|---|---|"]
    for path, default, description in rows(schema, schema, defaults, ""):
        text = f"`{json.dumps(default)}`" if default is not None else ""
        lines.append(f"| `{path}` | {text} | {description.replace('|', '&#124;')} |")
    return "\n".join(lines) + "\n"


def rows(root: Schema, schema: Schema, defaults: Any, prefix: str) -> Iterator[tuple[str, Any, str]]:
    """Path, default (None: there is none) and description of everything below `schema`."""
    for key, found in resolved(root, schema).get("properties", {}).items():
        below = resolved(root, found)
        default = defaults.get(key) if isinstance(defaults, dict) else None
        path = f"{prefix}{key}"
        if below.get("properties") and default:
            yield from rows(root, below, default, f"{path}.")
            continue
        yield path, default, below["description"]
        if "properties" in below.get("items", {}) and "$ref" not in found:
            yield from rows(root, below["items"], None, f"{path}[].")


def resolved(root: Schema, schema: Schema) -> Schema:
    """A schema with its local reference followed; what stands beside the reference counts more."""
    if "$ref" not in schema:
        return schema
    definition: Schema = root["definitions"][schema["$ref"].removeprefix("#/definitions/")]
    return definition | schema


def with_table(text: str) -> str:
    """The README's text with the table of now between its two marks."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + "\n" + table() + "\n" + END + rest.split(END)[1]


if __name__ == "__main__":
    README.write_text(with_table(README.read_text()))
