"""A pool is made and grows: volumes, copies, nodes, options."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.unit.machine.changes import Changes
from tests.unit.machine.faults import Fate, fates
from tests.unit.machine.world import DIRECTORIES, KINDS, NODES, numbers

OPTIONS: list[dict[str, object]] = [
    {},
    {"performance.cache-size": "64MB"},
    {"performance.cache-size": "32MB", "performance.nl-cache": True},
    {"no.such-option": 1},
]

volume_names = st.sampled_from("vw")
kinds = st.sampled_from([*KINDS, {"replica": 2}, {"replica": 2}])
some_options = st.sampled_from(OPTIONS)


class Growth(Changes):
    @initialize(nodes=st.integers(2, 4), kind=kinds, installed=st.booleans())
    def first_values(self, nodes: int, kind: dict[str, int], installed: bool) -> None:
        self._change(nodes=nodes)
        self._change(volumes={"v": kind})
        if installed:
            assert self._run() is None

    @rule(name=volume_names, kind=kinds, options=some_options, fate=st.none() | fates())
    def a_volume_is_listed(
        self, name: str, kind: dict[str, int], options: dict[str, object], fate: Fate | None
    ) -> None:
        self._change(volumes={**self.volumes, name: {**kind, "options": options}}, doomed=self.doomed - {name})
        self._maybe(fate)

    @rule(name=volume_names, once=st.booleans())
    def a_volume_is_left_out(self, name: str, once: bool) -> None:
        """For good, or for one run."""
        before = self.volumes
        self._change(volumes={other: volume for other, volume in before.items() if other != name})
        if once:
            self._run()
            self._change(volumes=before)

    @precondition(lambda self: self.volumes)
    @rule(number=numbers, options=some_options, fate=st.none() | fates())
    def other_options(self, number: int, options: dict[str, object], fate: Fate | None) -> None:
        name = sorted(self.volumes)[number % len(self.volumes)]
        self._change(volumes={**self.volumes, name: {**self.volumes[name], "options": options}})
        self._maybe(fate)

    @precondition(lambda self: self._mirrors())
    @rule(number=numbers, arbiter=st.booleans(), dirs=st.sampled_from([1, 2]), fate=st.none() | fates())
    def a_copy_more(self, number: int, arbiter: bool, dirs: int, fate: Fate | None) -> None:
        """Of replica 2, with a node that it needs."""
        mirrors = self._mirrors()
        name = mirrors[number % len(mirrors)]
        wider = {"replica": 2, "arbiter": 1} if arbiter else {"replica": 3}
        volumes = {**self.volumes, name: {"options": self.volumes[name].get("options", {}), **wider}}
        self._change(nodes=min(self.nodes + 1, len(NODES)), dirs=DIRECTORIES[:dirs], volumes=volumes)
        self._maybe(fate)

    def _mirrors(self) -> list[str]:
        return sorted(n for n, v in self.volumes.items() if v.get("replica") == 2 and "arbiter" not in v)
