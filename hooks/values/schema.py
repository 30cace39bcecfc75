"""The first stage of checking values: the chart's JSON schema, its errors in readable words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator, ValidationError

from hooks.text import joined

SCHEMA = Path(__file__).resolve().parents[2] / "charts" / "glusterfs" / "values.schema.json"


def schema_problems(raw: Mapping[str, Any]) -> list[str]:
    """Everything in merged values that the schema refuses: where it is, what is wrong and what to do; [] if nothing."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    errors = sorted(Draft7Validator(schema).iter_errors(raw), key=lambda error: list(map(str, error.absolute_path)))
    return [f"{_path(error, raw)}: {_words(error)}" for error in errors]


def _path(error: ValidationError, raw: Any) -> str:
    """Where the error is, such as `volumes[0].replica (newvol)`."""
    where, name, entry = "", "", raw
    for part in error.absolute_path:
        where += f"[{part}]" if isinstance(part, int) else f".{part}" if where else str(part)
        entry = entry[part]
        if isinstance(part, int) and isinstance(entry, Mapping) and entry.get("name"):
            name = f" ({entry['name']})"
    return (where or "values") + name


def _words(error: ValidationError) -> str:
    value: Any = error.instance
    rule: Any = error.validator_value
    schema: Any = error.schema
    match error.validator:
        case "additionalProperties":
            unknown = [key for key in value if key not in schema["properties"]]
            known = joined(schema["properties"])
            words = f"unknown key{'s' * (len(unknown) > 1)} {joined(unknown)}: the keys here are {known}"
        case "type":
            kinds = " or ".join([rule] if isinstance(rule, str) else rule)
            words = f"{json.dumps(value, default=str)} is {_json_type(value)}, but has to be {kinds}"
        case "required":
            missing = [key for key in rule if key not in value]
            words = f"{joined(missing)} {'is' if len(missing) == 1 else 'are'} missing: set a value, null takes it away"
        case "enum":
            words = f"{json.dumps(value)} is not possible: use {' or '.join(map(str, rule))}"
        case "minimum":
            words = f"{value} is too little: use {rule} or more"
        case "maximum":
            words = f"{value} is too much: use {rule} or less"
        case "minLength":
            words = "it is empty: set a value"
        case "maxLength":
            words = f"{value} has {len(value)} characters: use at most {rule}"
        case "uniqueItems":
            words = f"{json.dumps(value)} lists something twice: list it once"
        case _:
            words = error.message
    return f"{words}."


def _json_type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    names = {str: "string", int: "integer", float: "number", list: "array", dict: "object", type(None): "null"}
    return names.get(type(value), type(value).__name__)
