"""Several server processes behind one address: what the front costs, and what is lost in a kill.

    python benchmarks/serving_processes.py [--quick] [--json] [--load SECONDS]

The model, the pictures and the clients are those of benchmarks/serving.py.

Without --load: one process that does everything beside a front with one process, in turns, both on
one core. Processor time of a call is what counts: the front adds itself, and one copy of a call and
its answer over a Unix socket.

--load sends calls from clients that each call again at once, to a front with two processes, for so
long. After a third of it SIGHUP replaces both processes, one after the other; in the middle one is
killed (kill -9) while it works. Every call counts, from the first to the last, and one that is not
answered with 200 is an error.
"""

import argparse
import asyncio
import multiprocessing
import os
import signal
import statistics
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psutil
from _rows import Row, alone, compared, main

from serving import call, pictures, request_of, save_model, server

CLIENTS, ROUNDS = 8, 5
PEER = "one process that does everything"


def cpu(front: psutil.Process) -> float:
    """Seconds of processor time of a server and those behind it."""
    return sum(sum(one.cpu_times()[:2]) for one in (front, *front.children()))


def asked(url: str, requests: list[bytes], seconds: float) -> list[tuple[float, float, int]]:
    """CLIENTS connections, each with one call after the other: when each call began (seconds since
    the first), how long it took, and its status; 0 where the connection was lost."""
    host, port = url.removeprefix("http://").split(":")
    found, numbers, start = list[tuple[float, float, int]](), count(), time.perf_counter()

    async def client() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        while (began := time.perf_counter() - start) < seconds:
            try:
                status, _ = await call(reader, writer, requests[next(numbers) % len(requests)])
            except (OSError, asyncio.IncompleteReadError):
                status = 0
                reader, writer = await asyncio.open_connection(host, int(port))
            found.append((began, time.perf_counter() - start - began, status))
        writer.close()

    async def everybody() -> None:
        await asyncio.gather(*(client() for _ in range(CLIENTS)))

    asyncio.run(everybody())
    return found


def overhead(quick: bool, engine: str, folder: Path) -> Iterator[Row]:
    """A front with one process beside one process."""
    path = folder / "lite0.safetensors"
    save_model(path)
    files = pictures()
    spent: dict[str, list[float]] = {"ours": [], "theirs": []}
    waited: dict[str, list[float]] = {"ours": [], "theirs": []}
    with (
        server(path, engine, folder, "--workers", "1") as (ours, front),
        server(path, engine, folder) as (theirs, single),
        multiprocessing.get_context("spawn").Pool(1) as pool,
    ):
        sides = {"ours": (ours, front), "theirs": (theirs, single)}
        requests = {
            name: [request_of(url.removeprefix("http://"), data) for data in files]
            for name, (url, _) in sides.items()
        }
        for turn in range((1 if quick else ROUNDS) + 1):
            for name, (url, process) in sides.items():
                before = cpu(process)
                calls = pool.apply(asked, (url, requests[name], 3.0 if quick else 15.0))
                if turn:  # the first is not counted
                    spent[name].append(1000 * (cpu(process) - before) / len(calls))
                    waited[name].append(1000 * statistics.median(each for _, each, _ in calls))
    yield from beside(spent, waited)


def beside(spent: dict[str, list[float]], waited: dict[str, list[float]]) -> Iterator[Row]:
    """Processor time and median of a call, by rounds."""
    case = f"a front with one process, {CLIENTS} clients"
    for unit, rounds in (("processor time of a call", spent), ("median of a call", waited)):
        ours, theirs = (statistics.median(rounds[name]) for name in ("ours", "theirs"))
        ratio = statistics.median(
            b / a for a, b in zip(rounds["ours"], rounds["theirs"], strict=True)
        )
        yield compared(f"{case}, {unit}", "ms", ours, PEER, theirs, ratio=ratio)


def loaded(seconds: float, engine: str, folder: Path) -> Iterator[Row]:
    """Two processes under load; both are replaced, and then one is killed."""
    path = folder / "lite0.safetensors"
    save_model(path)
    with (
        server(path, engine, folder, "--workers", "2", pinned=False) as (url, front),
        multiprocessing.get_context("spawn").Pool(1) as pool,
    ):
        requests = [request_of(url.removeprefix("http://"), data) for data in pictures()]
        pool.apply(asked, (url, requests, 2.0))
        first, start = front.children(), time.perf_counter()
        load = pool.apply_async(asked, (url, requests, seconds))
        time.sleep(seconds / 3)
        os.kill(front.pid, signal.SIGHUP)
        log = folder / "log"
        while log.read_text().count("is replaced") < 2 and time.perf_counter() - start < seconds:
            time.sleep(0.2)
        time.sleep(max(0.0, seconds / 2 - (time.perf_counter() - start)))
        second = front.children()
        killed, when = max(second, key=lambda each: each.create_time()), time.perf_counter() - start
        killed.kill()
        calls = load.get()
        while "answers again" not in log.read_text() and time.perf_counter() - start < 2 * seconds:
            time.sleep(0.2)
        third = front.children()
    replaced = not {each.pid for each in first} & {each.pid for each in second}
    yield from of_load(calls, when, seconds, replaced and len(third) == 2, log.read_text())


def of_load(
    calls: list[tuple[float, float, int]], when: float, seconds: float, whole: bool, log: str
) -> Iterator[Row]:
    """What came of a load: errors, how long calls took before and after the kill, and the calls
    that were with the process that was killed."""
    case = f"{seconds:g} s, two processes, both replaced and one killed"
    wrong = sum(status != 200 for _, _, status in calls)
    share = 1 - wrong / max(1, len(calls))
    peer = f"all {len(calls):,} calls"
    yield compared(f"{case}, answered", "share", share, peer, 1.0, target=1.0)
    yield compared(f"{case}, both there again", "yes or no", float(whole), "yes", 1.0, target=1.0)
    lost = log.count("a call lost process")
    yield alone(f"{case}, calls that lost their process", "calls", lost, "the other answered")
    tenth = seconds / 10
    for name, low, high in (
        ("in all", 0.0, seconds), ("before the kill", when - tenth, when),
        ("from the kill on", when, when + tenth),
    ):  # fmt: skip
        some = [took for began, took, _ in calls if low <= began < high]
        if len(some) < 2:
            continue
        centiles = statistics.quantiles(some, n=100)
        note = f"{len(some):,} calls" if name == "in all" else f"{tenth:g} s, {len(some):,} calls"
        for at in (50, 99):
            yield alone(f"{case}, p{at} {name}", "ms", 1000 * centiles[at - 1], note)


def measure(quick: bool, engine: str = "openvino", load: float | None = None) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        if load:
            yield from loaded(load, engine, Path(name))
        else:
            yield from overhead(quick, engine, Path(name))


def options(parser: argparse.ArgumentParser) -> None:
    engines = ("torch", "onnxruntime", "openvino")
    parser.add_argument("--engine", default="openvino", choices=engines)
    parser.add_argument("--load", type=float, metavar="SECONDS", help="a kill instead of the cost")


if __name__ == "__main__":
    main(measure, __doc__, options)
