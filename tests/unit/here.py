"""A Runner for the tests whose every peer is this machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

from hooks.gluster.runner import ExecResult


class Here:
    """Runs commands on this machine, with these variables in their environment."""

    def __init__(self, **environment: str) -> None:
        self.environment = {**os.environ, **environment}

    def run(self, peer: str, argv: Sequence[str], stdin: str = "", timeout: float = 60) -> ExecResult:
        done = subprocess.run(
            argv,
            input=stdin,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return ExecResult(done.stdout, done.stderr, done.returncode)
