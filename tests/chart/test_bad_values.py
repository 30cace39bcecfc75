"""One table of bad values, put to the chart under both Helms and to the hook."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from hooks.values.model import ValuesError
from hooks.values.parse import parse
from tests.chart.helm import Helm
from tests.support.values import merged

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


def sentences(text: str) -> tuple[str, ...]:
    """The problems that the chart's validation lists."""
    return tuple(line.removeprefix("- ") for line in text.splitlines() if line.startswith("- "))


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if "schema" not in case])
def test_the_chart_refuses_in_the_words_of_the_hook(name: str, said: dict[str, str]) -> None:
    assert sentences(said[name]) == problems(CASES[name]["values"]), said[name]


def test_every_problem_is_said_at_once() -> None:
    assert len(problems(CASES["everything at once"]["values"])) == 5


NAMES = st.sampled_from(["a", "b", "c", "d.e", "A_"])
PATHS = st.lists(st.sampled_from(["/mnt/1", "/mnt/2", "/mnt/1/x", "/etc", "rel", ""]), max_size=3)
NODE = st.fixed_dictionaries(
    {"name": NAMES},
    optional={
        "address": st.sampled_from(["", "10.0.0.1", "localhost", "1.2.3", "h:1"]),
        "bricks": PATHS,
        "state": st.sampled_from(["present", "present", "drained"]),
        "nodeSelector": st.sampled_from([{}, {"n": "a"}, {"kubernetes.io/hostname": "a"}]),
    },
)
VOLUME = st.fixed_dictionaries(
    {"name": st.sampled_from(["v", "w", "all", "a.b"])},
    optional={
        "replica": st.integers(2, 4),
        "arbiter": st.just(1),
        "disperse": st.integers(3, 6),
        "redundancy": st.integers(1, 3),
        "nodes": st.lists(NAMES, unique=True, max_size=3),
        "bricks": st.lists(st.sampled_from(["/mnt/1", "/mnt/2", "/z"]), unique=True, max_size=2),
        "layout": st.lists(
            st.builds(
                "{}:{}".format,
                NAMES,
                st.sampled_from(["/mnt/1/v", "/mnt/1/w", "/mnt/1/v/x", "/mnt/2/v", "/mnt/1", "x"]),
            ),
            max_size=4,
        ),
        "state": st.sampled_from(["present", "deleted", "deleted"]),
        "confirm": st.sampled_from(["yes-really-destroy-data", "yes-really-destroy-data", "yes"]),
        "options": st.dictionaries(
            st.sampled_from(["a.b", "group", "", " x"]), st.sampled_from([True, 1, "x", "", "x y", "%s"]), max_size=2
        ),
    },
)


@settings(max_examples=60, deadline=None)
@given(st.fixed_dictionaries({"nodes": st.lists(NODE, max_size=4), "volumes": st.lists(VOLUME, max_size=3)}))
def test_chart_and_hook_agree_on_any_values(helm4: Helm, values: dict[str, Any]) -> None:
    try:
        parse(merged(values))
        expected: tuple[str, ...] = ()
    except ValuesError as error:
        expected = error.problems
    done = helm4.try_template(values)
    assert sentences(done.stderr) == expected
    assert (done.returncode == 0) == (not expected), done.stderr
