"""Two servers here under calls that come at random, beside the simulation of the same."""

import asyncio
import multiprocessing
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import psutil
from _rows import Row, alone, compared
from _simulation import Found, Replica, simulate

from serving import CLIENTS, call, load, request_of, server

LOADS = (0.3, 0.6, 0.8)  # of what the servers do with CLIENTS that call again at once
SERVERS = 2


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
    one of them took when it was busy.

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
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            pool.apply(at_once, (urls, requests, 2.0))
            before = processor(pairs)
            rate = pool.apply(at_once, (urls, requests, seconds)) / seconds
            spent = (processor(pairs) - before) / (rate * seconds)
        start, each = inference
        replica = Replica(
            prepare=max(0.0, spent - each - start / 32), batch=start, each=each,
            cores=min(1.0, rate * spent / SERVERS),
        )  # fmt: skip
        yield alone("two servers, as much as they do", "calls/s", rate,
                    f"{replica.cores:.2f} cores each, {1000 * spent:.1f} ms a call")  # fmt: skip
        for share in LOADS:
            calls = share * rate
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                found = pool.apply(at_random, (urls, requests, calls, seconds))
            expected = simulate(replica, calls, max(60.0, seconds), servers=SERVERS)
            for centile in (0.5, 0.99):
                case = f"two servers, {share:.0%}: {calls:.0f} calls/s, {centile:.0%} within"
                yield compared(case, "ms", 1000 * found.centile(centile), "the simulation",
                               1000 * expected.centile(centile), less=True)  # fmt: skip


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
    free: list[list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]] = [[] for _ in urls]

    async def one(number: int, server: int, due: float) -> None:
        host, port = urls[server].removeprefix("http://").split(":")
        connection = (
            free[server].pop() if free[server] else await asyncio.open_connection(host, int(port))
        )
        status, _ = await call(*connection, requests[server][number % len(requests[server])])
        free[server].append(connection)
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
