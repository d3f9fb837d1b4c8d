"""Load `marquee serve` in the folder of a finished run, from this machine alone, and say what it sustains.

Requests start at fixed times, whether or not earlier ones have ended, and their latency counts from then on.
Each carries 20 random ratings, in turn for each of --models. The models are replaced once in between, by
writing them again. Then a server that learns after every rating is asked at the same rate, while visitors
rate. Nothing tracked changes; --write puts the figures into bench/results/serve.csv.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.request import Request, urlopen

from bench import output

CONNECTIONS = 64
RATINGS = 20
WARM = 2.0  # seconds of load that are not counted


class Load:
    """Count one stretch at one rate: seconds of each answer from when its request was due."""

    def __init__(self, rate: float, requests: list[bytes]) -> None:
        self.rate, self.requests = rate, requests
        self.seconds: list[float] = []
        self.failed = 0
        self.free, self.waiting = deque[Connection](), deque[float]()

    def start(self) -> None:
        while self.free and self.waiting:
            self.free.popleft().ask(random.choice(self.requests), self.waiting.popleft())

    def percentile(self, percent: float) -> float:
        ordered = sorted(self.seconds) or [float("inf")]
        return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]

    def row(self) -> dict[str, object]:
        parts = {f"p{percent:g}_ms": round(self.percentile(percent), 2) for percent in (50, 95, 99, 99.9)}
        return {"rate": self.rate, "answered": len(self.seconds), "failed": self.failed, **parts}


class Connection(asyncio.Protocol):
    """Send one request after another, and report each answer."""

    def __init__(self, load: Load) -> None:
        self.load, self.due, self.buffer = load, 0.0, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def ask(self, request: bytes, due: float) -> None:
        self.due = due
        self.transport.write(request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, end, body = self.buffer.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]):
            return
        self.buffer = b""
        if head.startswith(b"HTTP/1.1 200") and body.startswith(b'{"items":[{'):
            self.load.seconds.append(time.perf_counter() - self.due)
        else:
            self.load.failed += 1
        self.due = 0.0
        self.load.free.append(self)
        self.load.start()

    def connection_lost(self, exc: Exception | None) -> None:
        self.load.failed += bool(self.due)


async def press(port: int, requests: list[bytes], rate: float, seconds: float) -> Load:
    """Ask at `rate` for `seconds`; a request that finds no free connection waits, and its time counts."""
    load, loop = Load(rate, requests), asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: Connection(load), "127.0.0.1", port) for _ in range(CONNECTIONS)
    ]
    load.free.extend(one for _, one in made)
    start = time.perf_counter()
    for number in range(round(rate * seconds)):
        due = start + number / rate
        if (early := due - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        load.waiting.append(due)
        load.start()
        if len(load.waiting) > 10 * rate:  # ten seconds behind
            break
    for _ in range(1000):
        if len(load.free) == CONNECTIONS:
            break
        await asyncio.sleep(0.01)
    load.failed += len(load.waiting)
    for transport, _ in made:
        transport.close()
    await asyncio.sleep(0)
    return load


def bodies(port: int, folder: Path, models: list[str]) -> list[bytes]:
    """Return requests of visitors who like some of the more popular movies."""
    import pyarrow.parquet as pq

    ids = pq.read_table(folder / "data/movies.parquet", columns=["movie_id"])["movie_id"].to_pylist()
    chance, found = random.Random(1), []
    for number in range(400):
        rated = [{"movie": one, "rating": chance.choice([3, 4, 5])} for one in chance.sample(ids, RATINGS)]
        body = json.dumps({"ratings": rated, "model": models[number % len(models)], "k": 20}).encode()
        head = f"POST /api/recommend HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        found.append(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return found


@contextmanager
def serving(folder: Path, *words: str) -> Iterator[tuple[int, int]]:
    """Run the server without a limit on the rate; yield its port and its process."""
    words = (sys.executable, "-m", "marquee", "serve", "--port", "0", "--rate-limit", "0", *words)
    environment = {**output.environment(), "PYTHONPATH": str(output.ROOT), "PYTHONSAFEPATH": "1"}
    with subprocess.Popen(words, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            if "http://" not in line:
                raise SystemExit(f"the server does not start: {line.strip()}")
            yield int(line.partition("http://")[2].partition(";")[0].rpartition(":")[2]), process.pid
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)


def memory(process: int) -> dict[str, float]:
    """Return MB of a process: all that is resident, and the part that no file is behind."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    found = dict(line.split(":", 1) for line in lines if line.startswith(("VmRSS", "RssAnon")))
    return {name: round(int(text.split()[0]) * 1024 / 1e6, 1) for name, text in found.items()}


def processor_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def replace(folder: Path) -> None:
    """Write every model again, as a run that has retrained them does."""
    for model in sorted((folder / "models").glob("*/model.json")):
        again = model.parent.with_name(f"{model.parent.name}.again")
        shutil.copytree(model.parent, again)
        old = model.parent.with_name(f"{model.parent.name}.old")
        model.parent.rename(old)
        again.rename(old.with_name(model.parent.name))
        shutil.rmtree(old)


def swaps(port: int) -> int:
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return int(float(next(line for line in lines if line.startswith("marquee_swaps ")).split()[1]))


async def swap_under_load(port: int, requests: list[bytes], folder: Path, rate: float) -> dict[str, object]:
    pressed = asyncio.create_task(press(port, requests, rate, 15))
    await asyncio.sleep(2)
    await asyncio.to_thread(replace, folder)
    found = (await pressed).row()
    return {**found, "swaps": await asyncio.to_thread(swaps, port)}


async def learn_under_load(
    port: int, requests: list[bytes], ratings: list[dict[str, object]], rate: float
) -> dict[str, object]:
    """Ask at the rate for 30 s, in each second of which a new visitor rates."""

    def give() -> None:
        body = json.dumps({"ratings": ratings}).encode()
        head = {"Content-Type": "application/json"}
        urlopen(Request(f"http://127.0.0.1:{port}/api/ratings", body, head)).close()

    pressed = asyncio.create_task(press(port, requests, rate, 30))
    while not pressed.done():
        await asyncio.to_thread(give)
        await asyncio.sleep(1)
    return {**pressed.result().row(), "swaps": await asyncio.to_thread(swaps, port)}


def highest(port: int, requests: list[bytes], seconds: float, limit_ms: float) -> list[Load]:
    """Raise the rate by a tenth until a stretch fails, or its 99th percentile is beyond the limit."""
    tried, rate = [], 400.0
    while True:
        tried.append(asyncio.run(press(port, requests, round(rate), seconds)))
        print(output_line("ramp", tried[-1].row()), flush=True)
        if tried[-1].failed or tried[-1].percentile(99) > limit_ms:
            return tried
        rate *= 1.1


def output_line(name: str, row: dict[str, object]) -> str:
    words = ", ".join(f"{key} {value}" for key, value in row.items())
    return f"{name}: {words}, load average {os.getloadavg()[0]:.2f}"


def main() -> None:
    parser = output.parser(__doc__)
    parser.add_argument("folder", type=Path, help="the project's folder")
    parser.add_argument("--models", default="ease,ials", help="the models asked (ease,ials)")
    parser.add_argument("--rate", type=float, default=200.0, help="requests a second (200)")
    parser.add_argument("--seconds", type=float, default=60.0, help="at that rate (60)")
    parser.add_argument(
        "--limit",
        type=float,
        default=100.0,
        help="ms of the 99th percentile, beyond which the ramp ends (100)",
    )
    parser.add_argument("--ramp", type=float, default=5.0, help="seconds at each rate of the ramp (5)")
    given = parser.parse_args()
    files = (given.folder / "models").glob("*/weights.safetensors")
    weights = sum(path.stat().st_size for path in files) / 1e6
    rows = []
    with serving(given.folder, "--no-feedback") as (port, process):
        requests = bodies(port, given.folder, given.models.split(","))
        asyncio.run(press(port, requests, given.rate, WARM))
        before = processor_seconds(process)
        fixed = asyncio.run(press(port, requests, given.rate, given.seconds)).row()
        spent = (processor_seconds(process) - before) / max(1, int(str(fixed["answered"])))
        rows.append({"test": "fixed", **fixed})
        print(output_line("fixed", fixed), flush=True)
        swapped = asyncio.run(swap_under_load(port, requests, given.folder, given.rate))
        rows.append({"test": "swap", **{key: swapped[key] for key in fixed}})
        print(output_line("swap", swapped), flush=True)
        tried = highest(port, requests, given.ramp, given.limit)
        rows += [{"test": "ramp", **one.row()} for one in tried]
        held = [one.rate for one in tried[:-1]]
        print(f"highest rate that it sustains: {max(held, default=0):g} a second")
        print(f"processor time of a request: {1000 * spent:.2f} ms")
        print(f"models: {weights:.1f} MB, resident: {memory(process)} MB")
    with tempfile.TemporaryDirectory() as place:
        words = (
            "--models",
            given.models,
            "--feedback",
            f"sqlite:///{place}/ratings.sqlite",
            "--learn-every",
            "1",
        )
        with serving(given.folder, *words) as (port, _):
            requests = bodies(port, given.folder, given.models.split(","))
            rated = json.loads(requests[0].partition(b"\r\n\r\n")[2])["ratings"]
            asyncio.run(press(port, requests, given.rate, WARM))
            learned = asyncio.run(learn_under_load(port, requests, rated, given.rate))
        rows.append({"test": "learn", **{key: learned[key] for key in fixed}})
        print(output_line("learn", learned), flush=True)
    header = list(rows[0])
    output.publish("serve", header, [[row[name] for name in header] for row in rows], given.write)


if __name__ == "__main__":
    main()
