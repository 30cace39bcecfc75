"""A hook that dies after any of its commands leaves nothing that the next run does not put right, on real glusterd."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml

from hooks.converge import Hook, converge
from hooks.kube import Cluster, PodRunner
from hooks.memory import Memory
from hooks.observe import Observed
from hooks.report import Report
from hooks.runner import ExecResult
from hooks.values import Values
from hooks.values_file import load
from hooks.values_parse import parse
from tests.cluster.lab import Lab, Release, nodes, unique

READS = ("system:: uuid get", "peer status", "volume info", "volume status")


class Died(BaseException):
    """The hook's process is gone; nothing in the hook may catch this."""


@dataclass
class Mortal:
    """A Runner on real peers whose process dies right after the `life`-th command that is more than a look."""

    inner: PodRunner
    life: int

    def run(self, peer: str, argv: Sequence[str], stdin: str = "", timeout: float = 60) -> ExecResult:
        commands = stdin.splitlines()
        for number, command in enumerate(commands, start=1):
            if command.startswith(READS) or command.endswith((" status", " info summary")):
                continue
            self.life -= 1
            if self.life == 0:
                self.inner.run(peer, argv, "".join(f"{line}\n" for line in commands[:number]), timeout)
                raise Died
        return self.inner.run(peer, argv, stdin, timeout)


@dataclass
class Person:
    """Runs the hook on the release's peers, again and again, with what earlier runs recorded."""

    lab: Lab
    release: Release
    memory: Memory = field(default_factory=Memory)

    def hook(self, raw: dict[str, Any], life: int = 0) -> Observed:
        """One run; `life` 0 means that it does not die."""
        file = f"/tmp/{unique('values')}.yaml"
        with open(file, "w", encoding="utf-8") as stream:
            yaml.safe_dump(raw, stream)
        values: Values = parse(load(file))
        cluster = Cluster(self.release.namespace, self.release.name, self.lab.kubeconfig)
        runner = Mortal(cluster.runner(self.release.peers()), life)
        hook = Hook(values, time.monotonic() + 250, Report(), save=lambda memory: setattr(self, "memory", memory))
        ip = {n["metadata"]["name"]: n["status"]["addresses"][0]["address"] for n in self.lab.get("nodes")["items"]}
        return converge(hook, runner, {node.name: ip[node.name] for node in values.nodes}, self.memory)

    def raze(self, volumes: Sequence[str]) -> None:
        """Back to peers that do not know each other, so that the next round starts from nothing."""
        for volume in volumes:
            self.release.gluster("volume", "stop", volume, "force")
            self.release.gluster("volume", "delete", volume)
        for line in self.release.gluster("pool", "list").splitlines()[1:]:
            host = line.split("\t")[1].strip()
            if host != "localhost":
                self.release.gluster("peer", "detach", host)
        self.memory = Memory()


@pytest.fixture(scope="module")
def person(lab: Lab, namespace: str) -> Iterator[Person]:
    """Three running peers that no hook has touched."""
    release = Release(lab, namespace)
    release.install({"nodes": nodes(lab.workers[:3], bricks=["/mnt/brick1", "/mnt/brick2"])}, "--no-hooks")
    for node in lab.workers[:3]:
        lab.kubectl(
            "wait", "-n", namespace, "--for=condition=Ready", f"pod/{release.fullname}-{node}-0", "--timeout=90s"
        )
    yield Person(lab, release)
    release.uninstall()


def scene(lab: Lab) -> dict[str, Any]:
    return {
        "nodes": nodes(lab.workers[:3]),
        "volumes": [
            {"name": unique("a"), "replica": 3, "options": {"performance.cache-size": "64MB"}},
            {"name": unique("b"), "replica": 2, "nodes": lab.workers[:2], "options": {"network.ping-timeout": 20}},
            {"name": unique("c"), "disperse": 3, "redundancy": 1},
        ],
    }


def right(observed: Observed, raw: dict[str, Any], bricks: Sequence[int]) -> None:
    live = {volume.name: volume for volume in observed.volumes}
    for volume, count in zip(raw["volumes"], bricks, strict=True):
        assert live[volume["name"]].started
        assert len(live[volume["name"]].bricks) == count
        for key, value in volume.get("options", {}).items():
            assert dict(live[volume["name"]].options)[key] == str(value)


def test_install_is_survived_at_every_step(lab: Lab, person: Person) -> None:
    deaths = 0
    while True:
        raw = scene(lab)
        try:
            observed = person.hook(raw, life=deaths + 1)
        except Died:
            deaths += 1
            observed = person.hook(raw)
            right(observed, raw, (3, 2, 3))
            person.raze([volume["name"] for volume in raw["volumes"]])
        else:
            break
    assert deaths == 3 + 3 + 2 + 3, "probes, creates, options, starts"
    print(f"the hook died after each of {deaths} steps of an install and the next run put it right")
    person.raze([volume["name"] for volume in raw["volumes"]])


def test_expansion_is_survived_at_every_step(lab: Lab, person: Person) -> None:
    deaths, died = 0, True
    while died:
        raw = {"nodes": nodes(lab.workers[:3]), "volumes": [{"name": unique("a"), "replica": 3}]}
        person.hook(raw)
        more = {**raw, "bricks": ["/mnt/brick1", "/mnt/brick2"]}
        try:
            observed = person.hook(more, life=deaths + 1)
            died = False
        except Died:
            deaths += 1
            observed = person.hook(more)
        right(observed, more, (6,))
        assert not person.memory.rebalancing
        person.raze([volume["name"] for volume in raw["volumes"]])
    assert deaths == 2, "add-brick and rebalance"
    print(f"the hook died after each of {deaths} steps of an expansion and the next run put it right")
