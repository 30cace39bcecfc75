"""One table of bad values, put to the chart under both Helms and to the hook."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from hooks.values import ValuesError, merged, parse
from tests.chart.helm import Helm

CASES: dict[str, dict[str, Any]] = {}
for _case in yaml.safe_load((Path(__file__).parents[1] / "bad_values.yaml").read_text()):
    assert _case["name"] not in CASES, f"{_case['name']} is there twice"
    CASES[_case.pop("name")] = _case


@pytest.fixture(scope="module")
def said(helm: Helm) -> dict[str, str]:
    """What helm says to each case; all cases at once, since a helm mostly waits."""
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda case: helm.try_template(case["values"]), CASES.values()))
    return {name: result.stderr if result.returncode else "" for name, result in zip(CASES, done, strict=True)}


def problems(values: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(ValuesError) as error:
        parse(merged(values))
    return error.value.problems


@pytest.mark.parametrize("name", CASES)
def test_the_hook_refuses(name: str) -> None:
    case = CASES[name]
    text = "\n".join(problems(case["values"]))
    missing = [fragment for fragment in case["says"] if fragment not in text]
    assert not missing, text


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if "schema" in case])
def test_helm_refuses_by_the_schema(name: str, said: dict[str, str]) -> None:
    assert "values don't meet the specifications of the schema" in said[name]
    missing = [fragment for fragment in CASES[name]["schema"] if fragment not in said[name]]
    assert not missing, said[name]


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if "schema" not in case])
def test_the_chart_refuses_in_the_words_of_the_hook(name: str, said: dict[str, str]) -> None:
    sentences = [line.removeprefix("- ") for line in said[name].splitlines() if line.startswith("- ")]
    assert tuple(sentences) == problems(CASES[name]["values"]), said[name]


def test_every_problem_is_said_at_once() -> None:
    assert len(problems(CASES["everything at once"]["values"])) == 5
