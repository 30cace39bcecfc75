"""Values change, as for a pool of any age."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.unit.machine.faults import Fate, fates
from tests.unit.machine.runs import Runs
from tests.unit.machine.world import DIRECTORIES, NODES, numbers


class Changes(Runs):
    @rule(nodes=st.integers(2, len(NODES)), fate=st.none() | fates())
    def other_nodes(self, nodes: int, fate: Fate | None) -> None:
        self._change(nodes=nodes)
        self._maybe(fate)

    @precondition(lambda self: self.pool_volumes)
    @rule(number=numbers, fate=fates())
    def a_volume_is_to_be_deleted(self, number: int, fate: Fate) -> None:
        name = sorted(self.pool_volumes)[number % len(self.pool_volumes)]
        kept = {other: volume for other, volume in self.volumes.items() if other != name}
        self._change(volumes=kept, doomed=self.doomed | {name})
        self._maybe(fate)

    @rule(dirs=st.sampled_from([2, 1]), fate=st.none() | fates())
    def other_brick_directories(self, dirs: int, fate: Fate | None) -> None:
        self._change(dirs=DIRECTORIES[:dirs])
        self._maybe(fate)
