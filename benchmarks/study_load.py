"""Load test of the study server: participants all at once, the server killed meanwhile, every vote counted.

    python benchmarks/study_load.py --participants 200 --kills 5

It makes a study of random pictures in a temporary folder, serves it on loopback only, lets simulated participants walk
through it, kills the server in the middle and starts it again, and at the end holds the database against what the
participants were told. It prints one JSON object, and fails if an acknowledged vote is missing or is there twice.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import torch

from mdfloss.images import write_image
from mdfloss.study.links import Secrets
from mdfloss.study.setup import create_study
from mdfloss.study.trials import StudyConfig


@dataclass
class Load:
    """What the participants saw."""

    base: str
    acknowledged: dict[str, str] = field(default_factory=dict)
    refused_as_double: int = 0
    retries: int = 0
    finished: int = 0
    vote_ms: list[float] = field(default_factory=list)
    page_ms: list[float] = field(default_factory=list)


def make_study(folder: Path, trials: int) -> Path:
    generator = torch.Generator().manual_seed(0)
    for method in ("reference", "a", "b", "c", "d"):
        for name in range(6):
            write_image(folder / method / f"{name}.png", torch.rand(1, 3, 32, 32, generator=generator))
    config = StudyConfig(trials=trials, golden=1, practice=1, break_every=5)
    methods = {method: folder / method for method in "abcd"}
    return create_study(methods, folder / "reference", folder / "study", config=config).folder


class Server:
    """The served study, as a process that can be killed."""

    def __init__(self, study: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        code = "from mdfloss.cli import main; import sys; sys.exit(main(sys.argv[1:]))"
        self.command = [sys.executable, "-c", code, "study", "serve", str(study), "--port", str(self.port)]
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it, and wait until it answers."""
        self.process = subprocess.Popen(self.command, stderr=subprocess.DEVNULL)
        async with httpx.AsyncClient() as client:
            for _ in range(1200):
                try:
                    await client.get(f"http://127.0.0.1:{self.port}/health")
                    return
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
        raise RuntimeError("the server did not start in two minutes")

    def stop(self, how: signal.Signals) -> int:
        """Send a signal, and wait for the end."""
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(timeout=60)


async def send(load: Load, client: httpx.AsyncClient, method: str, path: str, **data: str) -> httpx.Response:
    """One request, tried again while the server is down or asks for patience."""
    while True:
        try:
            started = time.perf_counter()
            answer = await client.request(method, load.base + path, data=data or None)
            if answer.status_code != 429:
                times = load.vote_ms if path.endswith("/vote") else load.page_ms
                times.append(1000 * (time.perf_counter() - started))
                return answer
        except httpx.TransportError:
            load.retries += 1
        await asyncio.sleep(0.2 + 0.2 * random.random())


async def participate(load: Load, client: httpx.AsyncClient, path: str, think: float) -> None:
    while True:
        page = (await send(load, client, "GET", path)).text
        leaving = re.search(r'name="page" value="(\w+)"', page)
        nonce = re.search(r'name="trial" value="(\w+)"', page)
        if leaving is not None:
            await send(load, client, "POST", f"{path}/next", page=leaving[1])
        elif nonce is not None:
            await asyncio.sleep(think * random.random())
            choice = random.choice(("left", "right"))
            answer = await send(load, client, "POST", f"{path}/vote", trial=nonce[1], choice=choice)
            if answer.status_code == 303:
                assert nonce[1] not in load.acknowledged, "a vote was acknowledged twice"
                load.acknowledged[nonce[1]] = choice
            elif answer.status_code == 409:  # stored before the server died, but not acknowledged
                load.refused_as_double += 1
            else:
                raise RuntimeError(f"status {answer.status_code} for a vote")
        else:
            assert "Thank you" in page  # with the code or, where chance missed the obvious trial, without
            load.finished += 1
            return


async def kill_meanwhile(load: Load, server: Server, kills: int, total: int) -> None:
    for kill in range(1, kills + 1):
        while len(load.acknowledged) < total * kill / (kills + 1):
            await asyncio.sleep(0.02)
        server.stop(signal.SIGKILL)
        await server.start()


async def run(study: Path, *, participants: int, trials: int, kills: int, think: float) -> dict[str, object]:
    keys, server = Secrets.load(study / "secrets.json"), Server(study)
    await server.start()
    load = Load(f"http://127.0.0.1:{server.port}")
    limits = httpx.Limits(max_connections=participants, max_keepalive_connections=participants)
    started = time.perf_counter()
    per_session = trials + 2
    async with httpx.AsyncClient(limits=limits, timeout=60) as client:
        walks = [participate(load, client, f"/s/{keys.link(f'seat-{n}')}", think) for n in range(participants)]
        await asyncio.gather(*walks, kill_meanwhile(load, server, kills, participants * per_session))
    seconds = time.perf_counter() - started
    status = server.stop(signal.SIGTERM)
    with sqlite3.connect(study / "votes.sqlite") as db:
        rows = db.execute("SELECT nonce, left_selected FROM votes JOIN trials ON id = trial").fetchall()
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    stored = {nonce: "left" if left else "right" for nonce, left in rows}
    lost = [nonce for nonce, choice in load.acknowledged.items() if stored.get(nonce) != choice]
    return {
        "participants": participants,
        "finished": load.finished,
        "kills": kills,
        "votes_expected": participants * per_session,
        "votes_stored": len(rows),
        "trials_voted_twice": len(rows) - len(stored),
        "acknowledged": len(load.acknowledged),
        "acknowledged_but_lost": len(lost),
        "stored_before_death_and_refused_as_double": load.refused_as_double,
        "requests_repeated_while_down": load.retries,
        "seconds": round(seconds, 1),
        "votes_per_second": round(len(rows) / seconds, 1),
        "vote_ms_p50": round(float(np.percentile(load.vote_ms, 50)), 1),
        "vote_ms_p99": round(float(np.percentile(load.vote_ms, 99)), 1),
        "page_ms_p99": round(float(np.percentile(load.page_ms, 99)), 1),
        "graceful_exit_status": status,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--participants", type=int, default=200)
    parser.add_argument("--trials", type=int, default=9)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--think", type=float, default=0.5, help="longest time to think, s")
    options = vars(parser.parse_args())
    with tempfile.TemporaryDirectory() as folder:
        study = make_study(Path(folder), options["trials"])
        result = asyncio.run(run(study, **options))
    print(json.dumps(result, indent=1))
    whole = result["votes_stored"] == result["votes_expected"] and result["finished"] == result["participants"]
    return 0 if whole and not result["acknowledged_but_lost"] and not result["trials_voted_twice"] else 1


if __name__ == "__main__":
    sys.exit(main())
