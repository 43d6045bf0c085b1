"""The load test of the study server in small: every acknowledged vote survives SIGKILL, exactly once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).parents[2] / "benchmarks" / "study_load.py"


def test_votes_survive_sigkill() -> None:
    options = ["--participants", "12", "--trials", "3", "--kills", "1", "--think", "0.1"]
    done = subprocess.run([sys.executable, str(TOOL), *options], capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["votes_stored"] == result["votes_expected"] == 12 * 5
    assert (result["acknowledged_but_lost"], result["trials_voted_twice"]) == (0, 0)
    assert result["acknowledged"] + result["stored_before_death_and_refused_as_double"] == 60
    assert result["graceful_exit_status"] == 0
