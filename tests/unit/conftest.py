"""Fixtures of the unit tests."""

from __future__ import annotations

import time

import pytest

from hooks.run import reconcile as converge


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hook waits for nothing."""
    monkeypatch.setattr(converge, "SETTLE_SECONDS", 0)
    monkeypatch.setattr(converge, "REPAIR_SECONDS", 0)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
