"""A handful of what `python -m torture` does by the hundred: nothing lost, nothing half, no traceback, no orphan."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds what a command left by /proc")
def test_kills_full_disks_and_hostile_files_cost_nothing():
    """It forks, so it has a process of its own; its figures are shown where it fails."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent / "src")])}
    command = [sys.executable, "-m", "torture", "--kills", "10", "--seed", "1"]
    done = subprocess.run(command, cwd=TESTS, env=environment, capture_output=True, text=True, timeout=900)

    assert (0, True) == (done.returncode, "seed 1: 0 faults" in done.stdout), done.stdout + done.stderr
