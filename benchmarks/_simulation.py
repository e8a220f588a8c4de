"""A discrete-event simulation of servers that answer in batches as `striate.serving` does.

A server has a core (or several) that all its threads share: those that read and decode, and the one
that computes batches. Batches gather by the rule of `striate.serving.batching`. Calls arrive at
random (Poisson) and go to a server that is alive, by chance. So many servers need not be simulated
at once: a Poisson stream that is split by chance is a Poisson stream for each part, independent of
the others (Kingman, Poisson Processes, 1993, Section 5.1), so a few servers with their share of the
calls behave as any few of ten thousand.
"""

import heapq
import math
import random
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import simpy

from striate.serving.batching import LONGEST
from striate.serving.settings import Settings

SEEDS = 3
Process = Generator[simpy.Event, Any, None]


@dataclass(frozen=True)
class Replica:
    """One server process.

    Attributes:
        prepare: seconds of a core for a call, apart from the network.
        batch, each: a batch of n takes batch + n each seconds of one core.
        cores: that the process gets; below 1 where others take a share.
        largest, window, capacity: as `Settings` has batch, window and queue.
    """

    prepare: float
    batch: float
    each: float
    cores: float = 1.0
    largest: int = Settings.batch
    window: float = Settings.window
    capacity: int = Settings.queue

    @property
    def limit(self) -> float:
        """Calls a second that it answers when all batches are full."""
        computing = self.batch + self.most * self.each
        work = self.most * self.prepare + computing
        return self.most * min(self.cores / work, min(1.0, self.cores) / computing)

    @property
    def most(self) -> int:
        """Pictures of a batch at most."""
        alone = (self.batch + self.largest * self.each) / self.largest
        return max(1, min(self.largest, int(LONGEST / alone))) if alone else self.largest


class Core:
    """Cores that all jobs share alike: each has one at most (processor sharing)."""

    def __init__(self, env: simpy.Environment, cores: float):
        self._env, self._cores = env, cores
        self._jobs: list[tuple[float, int, simpy.Event]] = []
        self._each, self._at = 0.0, env.now  # seconds that a job has had since the beginning
        self._numbers, self._version = count(), 0

    def work(self, seconds: float) -> simpy.Event:
        """An event at the end of so much work."""
        self._advance()
        done = self._env.event()
        heapq.heappush(self._jobs, (self._each + seconds, next(self._numbers), done))
        self._plan()
        return done

    def _rate(self) -> float:
        return min(1.0, self._cores / max(1, len(self._jobs)), self._cores)

    def _advance(self) -> None:
        self._each += (self._env.now - self._at) * self._rate()
        self._at = self._env.now

    def _plan(self) -> None:
        self._version += 1
        if self._jobs:
            version, left = self._version, max(0.0, self._jobs[0][0] - self._each)
            end = self._env.timeout(left / self._rate())
            end.callbacks.append(lambda _: self._end(version))

    def _end(self, version: int) -> None:
        if version != self._version:
            return  # another job has come meanwhile
        self._advance()
        done = heapq.heappop(self._jobs)[2]
        self._plan()
        done.succeed()


class Server:
    """A server from its start to its death."""

    def __init__(self, env: simpy.Environment, replica: Replica):
        self.env, self.replica = env, replica
        self.promised = self.most_promised = 0
        self.batches: list[int] = []
        self.died = env.event()
        self._core = Core(env, replica.cores)
        self._waiting: deque[simpy.Event] = deque()
        self._changed = env.event()
        self._seconds_each = 0.0  # until it is measured
        env.process(self._run())

    @property
    def is_full(self) -> bool:
        """Whether it refuses a call."""
        return self.promised >= self.replica.capacity

    def call(self) -> Process:
        """A call that is answered, or is cut off by the death of the server."""
        self.promised += 1
        self.most_promised = max(self.most_promised, self.promised)
        yield self._core.work(self.replica.prepare)
        answered = self.env.event()
        self._waiting.append(answered)
        self._notify()
        yield answered

    def _notify(self) -> None:
        changed, self._changed = self._changed, self.env.event()
        changed.succeed()

    def _most(self) -> int:
        """Pictures of the next batch at most, by what those before took (`Batcher`)."""
        if not self._seconds_each:
            return self.replica.largest
        return max(1, min(self.replica.largest, int(LONGEST / self._seconds_each)))

    def _run(self) -> Process:
        own = self.replica
        while True:
            while not self._waiting:
                yield self._changed
            batch: list[simpy.Event] = []
            until, most = self.env.now + own.window, self._most()
            while True:
                while self._waiting and len(batch) < most:
                    batch.append(self._waiting.popleft())
                on_their_way = self.promised > len(batch)
                if len(batch) == most or not on_their_way or self.env.now >= until:
                    break
                yield self._changed | self.env.timeout(until - self.env.now)
            start = self.env.now
            yield self._core.work(own.batch + own.each * len(batch))
            each = (self.env.now - start) / len(batch)
            self._seconds_each += (each - self._seconds_each) / (8 if self._seconds_each else 1)
            self.batches.append(len(batch))
            self.promised -= len(batch)
            for answered in batch:
                answered.succeed()


@dataclass
class Found:
    """What became of the calls.

    Attributes:
        calls: of those answered, when each came and how many seconds it took.
        came, refused, again: how many there were, were refused, were sent again after a death.
        queue: the most calls that a server had taken and not yet answered.
    """

    calls: list[tuple[float, float]] = field(default_factory=list)
    came: int = 0
    refused: int = 0
    again: int = 0
    queue: int = 0

    def centile(self, share: float, start: float = 0.0, end: float = math.inf) -> float:
        """Seconds within which this share of the calls that came between is answered."""
        times = sorted(took for came, took in self.calls if start <= came < end)
        return times[min(len(times) - 1, int(share * len(times)))] if times else math.nan

    @property
    def mean(self) -> float:
        """Seconds of a call."""
        return sum(took for _, took in self.calls) / len(self.calls)


Event = tuple[float, float, Sequence[int]]
"""Servers that are dead from a time to a time, by number."""


def simulate(
    replica: Replica,
    rate: float | Callable[[float], float],
    seconds: float,
    *,
    servers: int = 1,
    dead: Sequence[Event] = (),
    most: float | None = None,
    seed: int = 0,
) -> Found:
    """Calls of `seconds` to some servers; a call that a death cuts off is sent again at once.

    Args:
        rate: calls a second of all servers together, or that at a time.
        dead: who is dead and when.
        most: the highest of a rate that changes (Lewis and Shedler 1979: thinning).
    """
    env, chance, found = simpy.Environment(), random.Random(seed), Found()
    alive = [Server(env, replica) for _ in range(servers)]
    gone: set[int] = set()

    def one() -> Process:
        came = env.now
        found.came += 1
        while True:
            server = chance.choice([s for n, s in enumerate(alive) if n not in gone])
            if server.is_full:
                found.refused += 1
                return
            call = env.process(server.call())
            yield call | server.died
            found.queue = max(found.queue, server.most_promised)
            if call.processed or not server.died.triggered:
                break
            found.again += 1
        found.calls.append((came, env.now - came))

    def arrivals() -> Process:
        top = most if callable(rate) else rate
        assert top is not None, "a rate that changes needs its highest"
        while True:
            yield env.timeout(chance.expovariate(top))
            if env.now >= seconds:
                return
            if not callable(rate) or chance.random() * top < rate(env.now):
                env.process(one())

    def deaths(start: float, end: float, numbers: Sequence[int]) -> Process:
        yield env.timeout(start)
        gone.update(numbers)
        for number in numbers:
            alive[number].died.succeed()
        yield env.timeout(end - start)
        for number in numbers:
            alive[number] = Server(env, replica)
        gone.difference_update(numbers)

    env.process(arrivals())
    for event in dead:
        env.process(deaths(*event))
    env.run(until=seconds + 60)
    return found


def sustained(
    replica: Replica, target: float, calls: int, *, share: float = 0.99, steps: int = 7
) -> float:
    """The highest rate of one server at which this share of calls is answered within `target`
    seconds and none is refused, in each of SEEDS runs of so many calls; 0 if there is none. By
    bisection, to 1 % of its limit."""
    low, high = 0.0, replica.limit
    for _ in range(steps):
        rate = (low + high) / 2
        runs = (simulate(replica, rate, calls / rate, seed=seed) for seed in range(SEEDS))
        if all(one.calls and not one.refused and one.centile(share) <= target for one in runs):
            low = rate
        else:
            high = rate
    return low
