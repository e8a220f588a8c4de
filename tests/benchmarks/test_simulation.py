"""The simulation of servers beside closed forms of queues, and beside pencil."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("simpy")
pytest.importorskip("fastapi")  # the rule of batches is the service's


@pytest.fixture(scope="module")
def simulation() -> ModuleType:
    folder = str(Path(__file__).parents[2] / "benchmarks")
    sys.path.insert(0, folder)
    try:
        return importlib.import_module("_simulation")
    finally:
        sys.path.remove(folder)


def test_one_by_one_is_the_queue_m_d_1(simulation):
    """Pollaczek and Khinchine: a mean wait of r s / 2 (1 - r), here 0.8 x 10 ms / 0.4 = 20 ms."""
    one = simulation.Replica(prepare=0, batch=0.01, each=0, largest=1, window=0, capacity=10**6)
    found = simulation.simulate(one, 80, 900)
    assert len(found.calls) == pytest.approx(72_000, rel=0.02)
    assert found.mean == pytest.approx(0.010 + 0.020, rel=0.05)


def test_decoding_shares_a_core(simulation):
    """M/D/1 with processor sharing: a mean of s / (1 - r), here 10 ms / 0.4."""
    one = simulation.Replica(prepare=0.01, batch=0, each=0, window=0, capacity=10**6)
    assert simulation.simulate(one, 60, 500).mean == pytest.approx(0.025, rel=0.05)


def test_two_servers_that_share_by_chance_are_each_one_with_half(simulation):
    one = simulation.Replica(prepare=0, batch=0.01, each=0, largest=1, window=0, capacity=10**6)
    found = simulation.simulate(one, 100, 300, servers=2)
    assert found.mean == pytest.approx(0.010 + 0.5 * 0.010 / 2 / 0.5, rel=0.05)


def test_batches_gather_while_one_is_computed(simulation):
    """Calls at 0, 20 and 30 ms, 10 ms of reading, batches of 40 ms + 10 ms a picture, two cores:
    the first is computed alone from 10 to 60 ms, and the others together, to 120 ms."""
    env = simulation.simpy.Environment()
    one = simulation.Replica(prepare=0.01, batch=0.04, each=0.01, window=0, cores=2)
    server, ends = simulation.Server(env, one), []

    def call(start):
        yield env.timeout(start)
        yield env.process(server.call())
        ends.append(env.now)

    for start in (0, 0.020, 0.030):
        env.process(call(start))
    env.run(1)
    assert server.batches == [1, 2]
    assert ends == pytest.approx([0.060, 0.120, 0.120])


def test_a_batch_waits_for_what_is_on_its_way_and_no_longer(simulation):
    """Two calls 2 ms apart, 10 ms of reading, a window of 3 ms: one batch; alone, no wait."""
    env = simulation.simpy.Environment()
    one = simulation.Replica(prepare=0.010, batch=0.005, each=0.001, window=0.003, cores=9)
    server, ends = simulation.Server(env, one), []

    def call(start):
        yield env.timeout(start)
        yield env.process(server.call())
        ends.append(env.now - start)

    for start in (0, 0.002, 1.0):
        env.process(call(start))
    env.run(2)
    assert server.batches == [2, 1]
    assert ends == pytest.approx([0.019, 0.017, 0.016])


def test_a_full_server_refuses_and_the_dead_lose_nothing(simulation):
    slow = simulation.Replica(prepare=0, batch=0, each=1.0, window=0, capacity=5)
    found = simulation.simulate(slow, 10, 20)
    assert found.refused > 100
    assert found.queue == 5
    one = simulation.Replica(prepare=0.001, batch=0.02, each=0.005, capacity=10**6)
    found = simulation.simulate(one, 200, 30, servers=3, dead=[(10, 20, (0,))])
    assert found.again > 0
    assert (found.refused, len(found.calls)) == (0, found.came)
    calm = simulation.simulate(one, 200, 30, servers=3)
    assert found.centile(0.5, 10, 20) > calm.centile(0.5, 10, 20)
    assert abs(len(found.calls) - 6000) < 4 * 6000**0.5


def test_the_sustained_rate_is_below_the_limit_and_meets_the_target(simulation):
    one = simulation.Replica(prepare=0.003, batch=0.004, each=0.008)
    rate = simulation.sustained(one, 0.25, 2000)
    assert 0.5 * one.limit < rate < one.limit
    assert simulation.simulate(one, rate, 2000 / rate).centile(0.99) <= 0.25
    assert simulation.sustained(one, 0.001, 200) == 0
