"""The service beside its own engine: images a second over HTTP, and memory under mixed traffic.

    python benchmarks/serving.py [--quick] [--json] [--soak SECONDS]

EfficientNet-Lite0 with random weights, 64 clients in a process of their own, JPEGs of 500 x 375.
The engine's side is what the server has to do for a picture and cannot do without: decode the
file, and compute it in batches of 32 that are decoded already. The server and the bare engine are
held to one core, the same one, and the clients to another. The target is 0.90 of the engine's
images a second; processor time is what other work on the machine changes less.

--soak sends good and bad calls in turn for so long and measures how the server's memory grew after
its first quarter.
"""

import argparse
import asyncio
import io
import json
import multiprocessing
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import httpx
import numpy as np
import psutil
from _rows import Row, alone, compared, main
from PIL import Image

CLIENTS, BATCH, TARGET = 64, 32, 0.90
STEADY = 0.97  # of the memory after a quarter
SIZE = (500, 375)
FILES = 64  # different pictures
SERVING, CALLING = 0, 1  # cores


def pictures() -> list[bytes]:
    """Photograph-like JPEGs: noise at several scales, quality 85."""
    generator = np.random.default_rng(0)
    found = []
    for _ in range(FILES):
        pixels = np.zeros((SIZE[1], SIZE[0], 3), np.float32)
        for side in (4, 16, 64, 256):
            noise = generator.integers(0, 256, (side, side, 3), dtype=np.uint8)
            layer = Image.fromarray(noise).resize(SIZE, Image.Resampling.BICUBIC)
            pixels += np.asarray(layer, np.float32) / side**0.5
        pixels *= 255 / pixels.max()
        buffer = io.BytesIO()
        Image.fromarray(pixels.astype(np.uint8)).save(buffer, "JPEG", quality=85)
        found.append(buffer.getvalue())
    return found


def save_model(path: Path) -> None:
    """EfficientNet-Lite0 as a recognizer of 1000 classes."""
    from striate.images import View
    from striate.inference import Preprocessing
    from striate.models import create, entry
    from striate.recognizer import Recognizer
    from striate.tasks.classification.network import Network
    from striate.tasks.table import TASKS

    name = "efficientnet_lite0"
    predictor = Network(
        model=create(name).eval(), architecture={"name": name, "options": {}}, classes=1000,
        preprocessing=Preprocessing(View(224), entry(name).normalization),
    )  # fmt: skip
    names = tuple(f"class {k}" for k in range(1000))
    Recognizer(TASKS["classification"], predictor, names).save(path)


def bare(path: Path, engine: str, files: list[bytes], rounds: int) -> tuple[float, float, float]:
    """Milliseconds of decoding and of computing one picture; and of the processor for both."""
    import torch

    from striate.recognizer import load

    psutil.Process().cpu_affinity([SERVING])
    torch.set_num_threads(1)
    predictor = load(path, engine=engine, device="cpu").predictor
    batch = [predictor.prepare(data) for data in files[:BATCH]]
    predictor.predict(batch)
    decoding, computing, processor = [], [], time.process_time()
    for _ in range(rounds):
        start = time.perf_counter()
        for data in files[:BATCH]:
            predictor.prepare(data)
        middle = time.perf_counter()
        predictor.predict(batch)
        decoding.append(middle - start)
        computing.append(time.perf_counter() - middle)
    each = 1000 / BATCH
    processor = (time.process_time() - processor) / rounds
    return each * statistics.median(decoding), each * statistics.median(computing), each * processor


@contextmanager
def server(
    path: Path, engine: str, folder: Path, *more: str, pinned: bool = True
) -> Iterator[tuple[str, psutil.Process]]:
    """The command, on a free port, with one thread for the network."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "striate", "serve", str(path), "--port", str(port),
        "--engine", engine, "--keys", f"sqlite:///{folder / 'keys.db'}",
        *more,
    ]  # fmt: skip
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1"})
        if pinned:  # and so all threads and processes that it will have
            psutil.Process(process.pid).cpu_affinity([SERVING])
        try:
            url = f"http://127.0.0.1:{port}"
            for _ in range(1200):
                try:
                    httpx.get(f"{url}/v2/health/ready", trust_env=False).raise_for_status()
                    break
                except httpx.HTTPError:
                    if process.poll() is not None:
                        raise RuntimeError((folder / "log").read_text()) from None
                    time.sleep(0.1)
            yield url, psutil.Process(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def request_of(
    host: str, data: bytes, path: str = "/v2/models/lite0/upload?max_concepts=5"
) -> bytes:
    """A whole call, as its bytes: clients cost next to nothing, so that the server is timed."""
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n'
        b"Content-Type: image/jpeg\r\n\r\n" + data + b"\r\n--x--\r\n"
    )
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def call(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> tuple[int, bytes]:
    """One call over a connection that stays open."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length")
    )
    return int(head[9:12]), await reader.readexactly(length)


def load(url: str, requests: list[bytes], seconds: float) -> tuple[list[float], int, float]:
    """CLIENTS connections, each with one call after the other: latencies, failures, seconds."""
    psutil.Process().cpu_affinity([CALLING])
    host, port = url.removeprefix("http://").split(":")
    latencies: list[float] = []
    failed, numbers = 0, count()

    async def client(until: float) -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection(host, int(port))
        while (start := time.perf_counter()) < until:
            status, _ = await call(reader, writer, requests[next(numbers) % len(requests)])
            latencies.append(time.perf_counter() - start)
            failed += status != 200
        writer.close()

    async def everybody() -> float:
        start = time.perf_counter()
        await asyncio.gather(*(client(start + seconds) for _ in range(CLIENTS)))
        return time.perf_counter() - start

    took = asyncio.run(everybody())
    return latencies, failed, took


def throughput(quick: bool, engine: str, folder: Path) -> Iterator[Row]:
    """The service against its engine."""
    path = folder / "lite0.safetensors"
    save_model(path)
    files = pictures()
    with server(path, engine, folder) as (url, process):
        requests = [request_of(url.removeprefix("http://"), data) for data in files]
        # Clients in a process of their own: their Python must not wait for ours.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            pool.apply(load, (url, requests, 2.0))
            before = sum(process.cpu_times()[:2])
            latencies, failed, took = pool.apply(load, (url, requests, 5.0 if quick else 30.0))
            cpu_ms = 1000 * (sum(process.cpu_times()[:2]) - before) / len(latencies)
            alone_ = pool.apply(bare, (path, engine, files, 3 if quick else 15))
    yield from compared_to_engine(engine, latencies, failed, took, cpu_ms, alone_)


def compared_to_engine(
    engine: str,
    latencies: list[float],
    failed: int,
    took: float,
    cpu_ms: float,
    bare_ms: tuple[float, float, float],
) -> Iterator[Row]:
    """Images a second, processor time, and how long a call takes."""
    decode_ms, engine_ms, engine_cpu_ms = bare_ms
    case = f"JPEG {SIZE[0]}x{SIZE[1]}, EfficientNet-Lite0, {CLIENTS} clients"
    bare_one = f"{engine} alone (decode {decode_ms:.1f} ms, compute {engine_ms:.1f} ms)"
    yield compared(case, "img/s", len(latencies) / took, bare_one, 1000 / (decode_ms + engine_ms),
                   target=TARGET)  # fmt: skip
    yield compared(f"{case}, processor time", "ms", cpu_ms, f"{engine} alone", engine_cpu_ms,
                   less=True)  # fmt: skip
    centiles = statistics.quantiles(latencies, n=100)
    every = "each client calls again at once"
    yield alone(f"{case}, median of a call", "ms", 1000 * centiles[49], every)
    yield alone(f"{case}, 99 % of calls within", "ms", 1000 * centiles[98], every)
    yield answered_right(case, len(latencies), failed)


def answered_right(case: str, calls: int, wrong: int) -> Row:
    """The share of calls with the answer that they should have."""
    share = 1 - wrong / max(calls, 1)
    return compared(f"{case}, answered as they should be", "share", share, f"all {calls:,} calls",
                    1.0, target=1.0)  # fmt: skip


def mixed(host: str, files: list[bytes]) -> list[tuple[bytes, set[int]]]:
    """Good and bad calls, and the answers that are right."""
    upload = "/v2/models/lite0/upload"
    base = json.dumps({"inputs": [{"data": {"image": {"base64": "bm90aGluZw=="}}}]}).encode()

    def raw(path: str, kind: str, body: bytes) -> bytes:
        head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    json_kind, outputs = "application/json", "/v2/models/lite0/outputs"
    return [
        *((request_of(host, data), {200, 429}) for data in files[:4]),
        (request_of(host, files[0][: len(files[0]) // 2]), {422, 429}),
        (request_of(host, b"no picture"), {422, 429}),
        (request_of(host, files[1], "/v2/models/nothing/upload"), {404}),
        (request_of(host, files[2], f"{upload}?max_concepts=0"), {400}),
        (raw(outputs, json_kind, base), {422, 429}),
        (raw(outputs, json_kind, b"{" * 1000), {400}),
        (raw(outputs, "text/plain", b"x"), {415}),
        (raw(upload, "multipart/form-data; boundary=x", bytes(5000)), {400}),
        (f"GET /v2/models HTTP/1.1\r\nHost: {host}\r\n\r\n".encode(), {200}),
        (b"GET /v2/models HTTP/1.1\r\nHost: elsewhere\r\n\r\n", {421}),
        (f"DELETE {upload} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode(), {405}),
    ]


def soaked(seconds: float, engine: str, folder: Path) -> Iterator[Row]:
    """Mixed traffic of 8 clients, for so long."""
    path = folder / "lite0.safetensors"
    save_model(path)
    files = pictures()
    with server(path, engine, folder) as (url, process), ThreadPoolExecutor(1) as pool:
        host, port = url.removeprefix("http://").split(":")
        calls = mixed(f"{host}:{port}", files)
        done, unexpected, memory = 0, 0, []

        async def client(number: int, until: float) -> None:
            nonlocal done, unexpected
            for turn in count(number):
                if time.perf_counter() > until:
                    return
                request, right = calls[turn % len(calls)]
                reader, writer = await asyncio.open_connection(host, int(port))
                status, _ = await call(reader, writer, request)
                writer.close()
                done, unexpected = done + 1, unexpected + (status not in right)

        async def everybody() -> None:
            until = time.perf_counter() + seconds
            clients = [asyncio.create_task(client(k, until)) for k in range(8)]
            while time.perf_counter() < until:
                memory.append((done, process.memory_info().rss / 2**20))
                await asyncio.sleep(seconds / 200)
            await asyncio.gather(*clients)

        pool.submit(asyncio.run, everybody()).result()
    settled = memory[len(memory) // 4 :]
    first = statistics.median(each for _, each in settled[:10])
    last = statistics.median(each for _, each in settled[-10:])
    case = f"mixed good and bad calls for {seconds:g} s"
    peer = "after its first quarter"
    yield compared(f"{case}, memory", "MiB", last, peer, first, less=True, target=STEADY)
    yield answered_right(case, done, unexpected)


def measure(quick: bool, engine: str = "openvino", soak: float | None = None) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        if soak:
            yield from soaked(soak, engine, Path(name))
        else:
            yield from throughput(quick, engine, Path(name))


def options(parser: argparse.ArgumentParser) -> None:
    engines = ("torch", "onnxruntime", "openvino")
    parser.add_argument("--engine", default="openvino", choices=engines)
    parser.add_argument("--soak", type=float, metavar="SECONDS", help="memory instead of speed")


if __name__ == "__main__":
    main(measure, __doc__, options)
