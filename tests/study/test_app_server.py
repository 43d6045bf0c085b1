"""The server as a process: it answers, logs as JSON, and stops gracefully."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request

from mdfloss.study.trials import Study

SERVE = """
import sys
from pathlib import Path
from mdfloss.study.app_server import serve_study
serve_study(Path(sys.argv[1]), port=int(sys.argv[2]))
"""


def test_serves_logs_and_stops(study: Study) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", SERVE, str(study.folder), str(port)]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as answer:
                assert json.load(answer) == {"status": "ok"}
            break
        except OSError:
            time.sleep(0.1)
    second = subprocess.run(command, capture_output=True, text=True)
    assert "being served by another process" in second.stderr
    server.send_signal(signal.SIGTERM)
    _, log = server.communicate(timeout=60)
    assert server.returncode == 0
    events = [json.loads(line) for line in log.splitlines()]
    assert [event["event"] for event in events] == ["serving", "request", "stopped"]
    assert events[1]["route"] == "/health"
    assert not (study.folder / "votes.sqlite-wal").exists()
