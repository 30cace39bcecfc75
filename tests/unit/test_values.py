"""What the hook makes of values. What it refuses stands in tests/bad_values.yaml, which tests/chart goes through."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.values.files import read
from hooks.values.model import BrickSpec, Node, Values, ValuesError, VolumeSpec
from hooks.values.parse import parse
from tests.support.values import merged
from tests.unit.running import PLAIN


def parsed(**values: Any) -> Values:
    return parse(merged({**PLAIN, **values}))


def volume(names: str = "a b c", directories: str = "/mnt/1", **values: Any) -> VolumeSpec:
    """The only volume, on nodes of these names with these brick directories."""
    nodes = [{"name": name} for name in names.split()]
    (found,) = parsed(nodes=nodes, bricks=directories.split(), volumes=[{"name": "v", **values}]).volumes
    return found


def texts(bricks: tuple[BrickSpec, ...]) -> str:
    return " ".join(map(str, bricks))


# Nodes


def test_a_node_has_the_common_bricks_unless_it_has_a_list() -> None:
    found = parsed(
        nodes=[
            {"name": "a"},
            {"name": "b", "address": "10.0.0.2", "bricks": ["/srv/x", "/srv/y"]},
            {"name": "c", "address": "", "bricks": []},
        ],
        bricks=["/mnt/1"],
    )
    assert found.nodes == (
        Node("a", None, ("/mnt/1",)),
        Node("b", "10.0.0.2", ("/srv/x", "/srv/y")),
        Node("c", None, ()),
    )
    assert found.volumes == ()
    assert not found.allow_root_disk_bricks


@pytest.mark.parametrize("address", ["10.0.0.1", "255.255.255.254", "worker-1", "worker-1.storage.example", "1.a"])
def test_addresses(address: str) -> None:
    assert parsed(nodes=[{"name": "a", "address": address}]).nodes[0].address == address


@pytest.mark.parametrize("path", ["/mnt/1", "/var/lib/bricks/1", "/data", "/mnt/a_b-c.d+e@f=g", "/mnt/.hidden/..x"])
def test_brick_directories(path: str) -> None:
    assert parsed(nodes=[{"name": "a"}], bricks=[path]).nodes[0].bricks == (path,)


# Types of volumes


@pytest.mark.parametrize(
    ("nodes", "words", "kind", "size", "numbers"),
    [
        ("a", {}, "distributed", 1, (0, 0, 0, 0)),
        ("a b", {"replica": 2}, "replica 2", 2, (2, 0, 0, 0)),
        ("a b c", {"replica": 3}, "replica 3", 3, (3, 0, 0, 0)),
        ("a b c", {"replica": 2, "arbiter": 1}, "replica 2 arbiter 1", 3, (2, 1, 0, 0)),
        ("a b c", {"replica": 3, "arbiter": 1}, "replica 2 arbiter 1", 3, (2, 1, 0, 0)),
        ("a b c", {"disperse": 3, "redundancy": 1}, "disperse 3 redundancy 1", 3, (0, 0, 3, 1)),
        ("a b c d e f", {"disperse": 6, "redundancy": 2}, "disperse 6 redundancy 2", 6, (0, 0, 6, 2)),
        ("a b c", {"replica": 3.0}, "replica 3", 3, (3, 0, 0, 0)),
    ],
)
def test_types(nodes: str, words: dict[str, Any], kind: str, size: int, numbers: tuple[int, ...]) -> None:
    found = volume(nodes, **words)
    assert (found.kind, found.set_size) == (kind, size)
    read = (found.replica, found.arbiter, found.disperse, found.redundancy)
    assert read == numbers
    assert [type(number) for number in read] == [int] * 4, "gluster takes no 3.0"
    assert len(found.bricks) == size


# Bricks of volumes


def test_brick_directories_are_the_outer_loop_and_nodes_the_inner_one() -> None:
    found = volume("a b", "/mnt/1 /mnt/2", replica=2)
    assert texts(found.bricks) == "a:/mnt/1/v b:/mnt/1/v a:/mnt/2/v b:/mnt/2/v"
    assert found.left_over == ()


def test_what_fills_no_set_is_left_over() -> None:
    found = volume("a b c d e", replica=2)
    assert texts(found.bricks) == "a:/mnt/1/v b:/mnt/1/v c:/mnt/1/v d:/mnt/1/v"
    assert texts(found.left_over) == "e:/mnt/1/v"


def test_sets_go_on_over_the_end_of_the_nodes() -> None:
    found = volume("a b c", "/mnt/1 /mnt/2", replica=2)
    assert texts(found.bricks) == "a:/mnt/1/v b:/mnt/1/v c:/mnt/1/v a:/mnt/2/v b:/mnt/2/v c:/mnt/2/v"


def test_the_volume_s_own_order_of_nodes_counts() -> None:
    found = volume("a b c", nodes=["c", "a"], replica=2)
    assert texts(found.bricks) == "c:/mnt/1/v a:/mnt/1/v"


def test_only_nodes_with_the_brick_directory_take_part() -> None:
    (found,) = parsed(
        nodes=[{"name": "a", "bricks": ["/mnt/1", "/mnt/2"]}, {"name": "b", "bricks": ["/mnt/2"]}, {"name": "c"}],
        bricks=["/mnt/3"],
        volumes=[{"name": "v", "bricks": ["/mnt/2"], "replica": 2}],
    ).volumes
    assert texts(found.bricks) == "a:/mnt/2/v b:/mnt/2/v"


def test_layout_is_taken_as_it_is() -> None:
    layout = ["b:/mnt/1/v", "a:/mnt/1/deep/in/it", "a:/mnt/1/v", "b:/mnt/1/w"]
    found = volume("a b", layout=layout, replica=2)
    assert [str(brick) for brick in found.bricks] == layout
    assert found.left_over == ()


def test_two_volumes_of_one_brick_directory_have_a_folder_each() -> None:
    names = ["v", "v2", "v-2"]
    found = parsed(nodes=[{"name": "a"}], volumes=[{"name": name} for name in names]).volumes
    assert [texts(one.bricks) for one in found] == [f"a:/mnt/brick1/{name}" for name in names]


NODES = st.lists(
    st.lists(st.sampled_from(["/mnt/1", "/mnt/2", "/mnt/3"]), unique=True, max_size=3), min_size=1, max_size=6
)
TYPES = st.sampled_from(
    [{}, {"replica": 2}, {"replica": 3}, {"replica": 2, "arbiter": 1}, {"disperse": 3, "redundancy": 1}]
)


@given(NODES, TYPES)
def test_every_set_is_on_different_nodes_or_the_volume_is_refused(
    bricks: list[list[str]], words: dict[str, int]
) -> None:
    nodes = [{"name": f"n{i}", "bricks": paths} for i, paths in enumerate(bricks)]
    try:
        (found,) = parsed(nodes=nodes, volumes=[{"name": "v", **words}]).volumes
    except ValuesError as error:
        (problem,) = error.problems
        assert re.search("on different nodes|two bricks on|none of its nodes", problem)
        return
    size = found.set_size
    everything = found.bricks + found.left_over
    assert len(found.bricks) % size == 0
    assert len(found.bricks) >= size > len(found.left_over)
    assert sorted(everything) == sorted(BrickSpec(f"n{i}", f"{p}/v") for i, paths in enumerate(bricks) for p in paths)
    for i in range(0, len(found.bricks), size):
        assert len({brick.node for brick in found.bricks[i : i + size]}) == size
    for one, other in pairwise(everything):
        assert one.path != other.path or one.node < other.node


# Options


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "on"),
        (False, "off"),
        ("off", "off"),
        ("256MB", "256MB"),
        (0, "0"),
        (1000000, "1000000"),
        (1e6, "1000000"),
        (1.5e21, "1500000000000000000000"),
        (0.5, "0.5"),
        (1e-7, "0.0000001"),
        (-1, "-1"),
    ],
)
def test_values_of_options(value: object, text: str) -> None:
    assert volume("a", options={"x.y": value}).options == (("x.y", text),)


def test_options_are_sorted() -> None:
    found = volume("a", options={"performance.cache-size": 1, "auth.allow": "10.*", "nfs.disable": True})
    assert [name for name, _ in found.options] == ["auth.allow", "nfs.disable", "performance.cache-size"]


# Files


def test_the_chart_s_jobs_read_json(tmp_path: Path) -> None:
    path = tmp_path / "values.yaml"
    path.write_text('{"bricks": ["/a"], "volumes": [{"name": "v", "options": {"a.b": 1000000000}}]}')
    assert read(path) == {"bricks": ["/a"], "volumes": [{"name": "v", "options": {"a.b": 1000000000}}]}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"nodes: []\n", "is not JSON: Expecting value: line 1 column 1"),
        (b"", "is not JSON"),
        (b"[]", "holds no map of values"),
        (b'{"nodes": "\xff\xfe"}', "cannot be read"),
    ],
)
def test_a_file_without_values(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "values.yaml"
    path.write_bytes(content)
    with pytest.raises(ValuesError) as error:
        read(path)
    assert str(error.value).startswith(f"{path} ")
    assert says in str(error.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ValuesError, match=r"nowhere.yaml cannot be read: .*No such file"):
        read(tmp_path / "nowhere.yaml")


def test_laying_values_over_the_defaults_changes_neither() -> None:
    values = {"hooks": {"image": {"tag": "x"}, "nodeSelector": None}}
    found = merged(values)
    assert "nodeSelector" not in found["hooks"]
    found["hooks"]["image"]["tag"] = "y"
    found["bricks"].append("/z")
    assert values == {"hooks": {"image": {"tag": "x"}, "nodeSelector": None}}
    assert (merged({})["hooks"]["image"]["tag"], merged({})["bricks"]) == ("", ["/mnt/brick1"])
