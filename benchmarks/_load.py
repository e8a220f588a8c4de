"""Two servers here under calls that come at random, beside the simulation of the same."""

import asyncio
import multiprocessing
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psutil
from _rows import Row, compared
from _simulation import Found, Replica, simulate

from serving import CLIENTS, call, load, request_of, server
from striate.serving.batching import Batcher

LOADS = (0.3, 0.6, 0.8)  # of what the servers do with CLIENTS that call again at once
SERVERS = 2
IDLE = 1.0  # seconds after which a connection is not used again: servers close theirs


def busiest(
    path: Path, engine: str, files: Sequence[bytes], seconds: float, folder: Path
) -> tuple[float, float]:
    """Calls a second of a server with a core of its own, and its processor time for one."""
    with server(path, engine, folder) as (url, process):
        return saturated(url, process, files, seconds)


def saturated(
    url: str, process: psutil.Process, files: Sequence[bytes], seconds: float
) -> tuple[float, float]:
    requests = requests_of(url, files, path_of(process))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        pool.apply(load, (url, requests, 2.0))
        before = sum(process.cpu_times()[:2])
        latencies, failed, took = pool.apply(load, (url, requests, seconds))
        spent = sum(process.cpu_times()[:2]) - before
    if failed:
        raise RuntimeError(f"{failed} of {len(latencies)} calls failed")
    return len(latencies) / took, spent / len(latencies)


def path_of(process: psutil.Process) -> str:
    """Where a server takes pictures for its one model."""
    arguments = process.cmdline()
    model = Path(arguments[arguments.index("serve") + 1])
    return f"/v2/models/{model.stem}/upload?max_concepts=5"


def requests_of(url: str, files: Sequence[bytes], path: str) -> list[bytes]:
    return [request_of(url.removeprefix("http://"), data, path) for data in files]


def checked(
    path: Path, files: Sequence[bytes], engine: str, inference: tuple[float, float],
    seconds: float, folder: Path,
) -> Iterator[Row]:  # fmt: skip
    """Median and 99th percentile of two servers at several rates: measured, and simulated with what
    a call took when they were busy right before and after: other work takes its share of the cores.

    Args:
        inference: seconds of a core for a batch of n are the first + n times the second.
    """
    with ExitStack() as stack:
        pairs = []
        for number in range(SERVERS):
            own = folder / f"server{number}"
            own.mkdir()
            url, process = stack.enter_context(server(path, engine, own))
            for one in [process, *process.children(recursive=True)]:
                one.cpu_affinity([number % (psutil.cpu_count() or 1)])
            pairs.append((url, process))
        urls = [url for url, _ in pairs]
        requests = [requests_of(url, files, path_of(process)) for url, process in pairs]
        start, each = inference
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            pool.apply(at_once, (urls, requests, 2.0))

            def busy() -> tuple[float, float]:
                """Calls a second of the servers when they are busy, and processor time of one."""
                before, most = processor(pairs), seconds / 4
                done = pool.apply(at_once, (urls, requests, most))
                return done / most, (processor(pairs) - before) / done

            for share in LOADS:
                first = busy()
                calls = share * first[0]
                found = pool.apply(at_random, (urls, requests, calls, seconds))
                rate, spent = (statistics.fmean(pair) for pair in zip(first, busy(), strict=True))
                replica = Replica(
                    prepare=max(0.0, spent - each - start / 32), batch=start, each=each,
                    cores=min(1.0, rate * spent / SERVERS),
                )  # fmt: skip
                expected = simulate(replica, calls, max(120.0, seconds), servers=SERVERS)
                for centile in (0.5, 0.99):
                    case = f"two servers, {calls:.0f} of {rate:.0f} calls/s, {centile:.0%} within"
                    peer = f"the simulation ({replica.cores:.2f} cores, {1000 * spent:.1f} ms)"
                    yield compared(case, "ms", 1000 * found.centile(centile), peer,
                                   1000 * expected.centile(centile), less=True)  # fmt: skip


def waiting(seconds: float) -> Iterator[Row]:
    """The service's own queue of batches with work that waits, which other work on the machine
    hardly changes: 20 ms of reading a call, batches of 40 ms + 8 ms a picture."""
    replica = Replica(prepare=0.020, batch=0.040, each=0.008, cores=10_000)
    for share in LOADS:
        rate = share * replica.limit
        found = queued(replica, rate, seconds)
        expected = simulate(replica, rate, 20_000 / rate)
        for centile in (0.5, 0.99):
            case = f"the queue alone, {rate:.0f} calls/s ({share:.0%}), {centile:.0%} within"
            yield compared(case, "ms", 1000 * found.centile(centile), "the simulation",
                           1000 * expected.centile(centile), less=True)  # fmt: skip


def queued(replica: Replica, rate: float, seconds: float) -> Found:
    """Calls that come by chance to a `Batcher`, each from a thread of its own."""
    chance, found = random.Random(2), Found()

    def answer(items: list[float]) -> list[float]:
        time.sleep(replica.batch + replica.each * len(items))
        return items

    batcher = Batcher(answer, largest=replica.largest, window=replica.window,
                      capacity=replica.capacity)  # fmt: skip

    def one(due: float) -> None:
        (future,) = batcher.promise()
        time.sleep(max(0.0, replica.prepare - (time.perf_counter() - due)))
        batcher.ask(due, time.monotonic() + 60, future)
        future.result()
        found.calls.append((due, time.perf_counter() - due))

    due = time.perf_counter()
    end = due + seconds
    with ThreadPoolExecutor(replica.capacity) as pool:
        while (due := due + chance.expovariate(rate)) < end:
            time.sleep(max(0.0, due - time.perf_counter()))
            pool.submit(one, due)
    batcher.close()
    return found


def processor(pairs: Sequence[tuple[str, psutil.Process]]) -> float:
    """Seconds that the servers have computed."""
    return sum(sum(process.cpu_times()[:2]) for _, process in pairs)


def at_once(urls: Sequence[str], requests: Sequence[Sequence[bytes]], seconds: float) -> int:
    """Calls that are answered to CLIENTS of each server, which call again at once."""
    done = 0

    async def client(server: int, until: float) -> None:
        nonlocal done
        host, port = urls[server].removeprefix("http://").split(":")
        connection = await asyncio.open_connection(host, int(port))
        while time.perf_counter() < until:
            number = done % len(requests[server])
            status, _ = await call(*connection, requests[server][number])
            done += status == 200
        connection[1].close()

    async def everybody() -> None:
        until = time.perf_counter() + seconds
        servers = range(len(urls))
        await asyncio.gather(*(client(one, until) for one in servers for _ in range(CLIENTS)))

    asyncio.run(everybody())
    return done


def at_random(
    urls: Sequence[str], requests: Sequence[Sequence[bytes]], rate: float, seconds: float
) -> Found:
    """Calls that come by chance (Poisson) to servers by chance, whether others are done or not.

    How long a call took counts from when it was due.
    """
    chance, found = random.Random(1), Found()
    free: list[list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]]] = [[] for _ in urls]

    async def one(number: int, server: int, due: float) -> None:
        host, port = urls[server].removeprefix("http://").split(":")
        while free[server] and time.perf_counter() - free[server][-1][0] > IDLE:
            free[server].pop()[2].close()
        if free[server]:
            _, reader, writer = free[server].pop()
        else:
            reader, writer = await asyncio.open_connection(host, int(port))
        request = requests[server][number % len(requests[server])]
        status, _ = await call(reader, writer, request)
        free[server].append((time.perf_counter(), reader, writer))
        found.came += 1
        found.refused += status != 200
        found.calls.append((due, time.perf_counter() - due))

    async def everybody() -> None:
        tasks, number = [], 0
        due = time.perf_counter()
        end = due + seconds
        while (due := due + chance.expovariate(rate)) < end:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(one(number, chance.randrange(len(urls)), due)))
            number += 1
        await asyncio.gather(*tasks)

    asyncio.run(everybody())
    return found
