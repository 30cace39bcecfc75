"""What the test bed decides before it touches the machine."""

from __future__ import annotations

import pytest

from testbed import config
from testbed.config import ClusterError
from testbed.shell import wait_for
from tests.cluster import lab


@pytest.mark.parametrize("text", ["", "long", "0", "-1", "nan", "inf", "2x"])
def test_patience_that_is_no_factor_is_named_with_an_example(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("TESTBED_PATIENCE", text)
    with pytest.raises(ClusterError, match=f"TESTBED_PATIENCE='{text}' is no factor .*for example 5"):
        config.patience()


def test_patience_stretches_every_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TESTBED_PATIENCE", raising=False)
    assert config.patience() == 1
    assert lab.run("echo", "--timeout=90s", "--timeout", "5s", "5s") == "--timeout=90s --timeout 5s 5s\n"
    monkeypatch.setenv("TESTBED_PATIENCE", "0.1")
    assert lab.run("echo", "--timeout=90s", "--timeout", "50s", "50s") == "--timeout=9s --timeout 5s 50s\n"
    with pytest.raises(ClusterError, match="Waited 1 s in vain for it"):
        wait_for("it", lambda: False, seconds=10, hint="")
    with pytest.raises(AssertionError, match="not within 1 s: it"):
        lab.until("it", lambda: False, seconds=10)
