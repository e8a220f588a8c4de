"""The arithmetic of a plan, by pencil."""

import importlib
import math
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("simpy")
pytest.importorskip("fastapi")


@pytest.fixture(scope="module")
def planning() -> ModuleType:
    folder = str(Path(__file__).parents[2] / "benchmarks")
    sys.path.insert(0, folder)
    try:
        return importlib.import_module("_planning")
    finally:
        sys.path.remove(folder)


def test_a_thousand_million_a_day_are_11574_a_second(planning):
    assert planning.Plan(images_per_day=1e9).mean_rate == pytest.approx(11_574, abs=0.5)


def test_a_day_has_its_mean_and_its_peak(planning):
    plan = planning.Plan(images_per_day=1e9, peak=3.0)
    rates = [plan.rate(minute / 60) for minute in range(24 * 60)]
    assert sum(rates) * 60 == pytest.approx(1e9)
    assert max(rates) == plan.rate(20) == pytest.approx(34_722, abs=0.5)
    flat = planning.Plan(images_per_day=1e9, peak=1.0)
    assert {flat.rate(hour) for hour in range(24)} == {flat.mean_rate}


def test_servers_are_enough_without_a_zone_and_the_dead(planning):
    """100 a second at 10 of a server are 10; two of three zones have those 10 with 15 in all; of 15
    servers that are a minute dead a day, 1 in 1,000 times more than one is dead: 15 / 1441 is the
    mean, exp(-.0104) (1 + .0104) = 0.99995. So 11 must be left, and 17 are."""
    plan = planning.Plan(zones=3, lifetime=86_400, restart=60)
    assert planning.spare(plan, 15) == 1
    assert planning.servers_for(plan, 100, 10) == 17
    calm = planning.Plan(zones=1, lifetime=1e12, restart=60)
    assert planning.servers_for(calm, 100, 10) == 10
    assert planning.servers_for(calm, 101, 10) == 11


def test_rows_say_what_a_plan_takes(planning):
    """A core decodes in 20 ms and computes in 80 ms: 10 a second. 1,000 files of 10 kB a second are
    80 Mbit/s."""
    work = planning.Work("net", 0.018, 0.002, 0.0, 0.080, 10_000, 600_000)
    plan = planning.Plan(images_per_day=86_400 * 500, peak=2.0, target=2.0, gpu=300.0, price=0.1)
    rows = {row.case: row for row in planning.planned(work, plan, 600)}
    assert rows["net: a core, full batches"].ours == pytest.approx(10)
    assert "decoding 18%, the call 2%, inference 80%" in rows["net: a core, full batches"].peer
    highest = rows["net: a core, 99 % within 2 s"].ours
    assert 5 < highest < 10
    cores = rows["net: cores (servers) at 1,000 img/s"].ours
    assert cores >= math.ceil(1000 / highest) * 1.5
    always = rows["net: a day, all cores always"].ours
    assert always == pytest.approx(cores * 2.4, rel=1e-3)
    assert always / 2 < rows["net: a day, cores as each hour asks"].ours < always
    assert rows["net: network at the peak"].ours == pytest.approx(0.08)
    assert rows["net: arrays at the peak"].ours == pytest.approx(0.6)
    assert rows["net: GPUs at the peak"].ours == 4
    assert "20 cores that decode" in rows["net: GPUs at the peak"].peer
    before, lost = (rows[f"net: 50% within, {when}"].ours
                    for when in ("before", "while one zone is lost"))  # fmt: skip
    assert before < lost


def test_a_target_that_nothing_meets_is_said(planning):
    work = planning.Work("net", 0.018, 0.002, 0.0, 0.080, 10_000, 600_000)
    *_, last = planning.planned(work, planning.Plan(target=0.05), 100)
    assert last.ratio is None
    assert "no rate meets 0.05 s" in last.peer
