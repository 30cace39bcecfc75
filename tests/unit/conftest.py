"""Fixtures of the unit tests."""

from __future__ import annotations

import pytest
from hypothesis import settings

from hooks.run import reconcile

# A machine that is busy, or slow, fails no test.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hook gives nothing time to pass by itself."""
    monkeypatch.setattr(reconcile, "SETTLE_SECONDS", 0)
    monkeypatch.setattr(reconcile, "REPAIR_SECONDS", 0)
