"""A pool that is in use: nodes leave."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from tests.unit.machine.changes import Changes
from tests.unit.machine.faults import FATES, Run
from tests.unit.machine.world import DIRECTORIES, KINDS, NODES, numbers

long_runs = st.tuples(st.sampled_from(FATES), st.integers(1, 48), st.integers(1, 4), st.booleans())


class DayTwo(Changes):
    @initialize(
        nodes=st.integers(3, 5),
        dirs=st.sampled_from([1, 2]),
        kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=2),
    )
    def a_pool_in_use(self, nodes: int, dirs: int, kinds: list[dict[str, int]]) -> None:
        self._change(nodes=nodes, dirs=DIRECTORIES[:dirs])
        self._change(volumes=dict(zip("vw", kinds, strict=False)))
        assert self._run() is None
        for _ in range(4):
            self._write()

    @rule(number=numbers, drained=st.booleans(), more=st.booleans(), run=long_runs)
    def a_node_is_drained_or_not(self, number: int, drained: bool, more: bool, run: Run) -> None:
        """Perhaps together with a new node that can take its bricks."""
        name = NODES[number % self.nodes]
        names = self.drained | {name} if drained else self.drained - {name}
        self._change(drained=names, nodes=min(self.nodes + more, len(NODES)))
        self._maybe(run)

    @rule(number=st.integers(0, 3))
    def files_will_not_move_off_their_bricks(self, number: int) -> None:
        self.pool.stubborn = number
