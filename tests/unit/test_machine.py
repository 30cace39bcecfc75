"""The hook against everything at once: changing values, killed runs, lost connections, peers away, foreign folders.

A state machine of hypothesis on the in-memory pool. HYPOTHESIS_EXAMPLES says how many histories are tried. Time is a
number here and side by side means one after the other, so that a history is the same each time it is run.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.unit.machine.checks import Checks
from tests.unit.machine.daytwo import DayTwo
from tests.unit.machine.growth import Growth
from tests.unit.machine.maintaining import Maintaining
from tests.unit.machine.troubles import Troubles

EXAMPLES = int(os.environ.get("HYPOTHESIS_EXAMPLES") or (2000 if os.environ.get("CI") else 200))
pytestmark = pytest.mark.timeout(900)


class GrowthMachine(Growth, Troubles, Checks):
    pass


class DayTwoMachine(DayTwo, Maintaining, Troubles, Checks):
    pass


TestGrowth = GrowthMachine.TestCase
TestDayTwo = DayTwoMachine.TestCase
TestGrowth.settings = TestDayTwo.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=8,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
