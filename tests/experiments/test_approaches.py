"""The order of approaches is found or not, and why it is not is told."""

from dataclasses import replace
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from striate.comparing import Row
from striate.data.catalog import open_named
from striate.experiments import EXPERIMENTS, approaches, task_tables
from striate.experiments.approaches import TITLES, xrays
from striate.experiments.judging import BEHIND, LEVEL
from striate.experiments.ordering import Order, Trial, beside, compared
from striate.tasks.labels.scores import Classified
from striate.tasks.table import TASKS

ORDER = Order(
    {"handcrafted": 60.0, "scratch": 40.0}, "top-1",
    why={("scratch", "handcrafted"): "too few digits"},
)  # fmt: skip
TRIAL = Trial(
    lambda seed: open_named("digits", seed=seed), [ORDER], quick=(60, ("epochs=1",)), titles=TITLES
)
TURNED = replace(ORDER, said={"scratch": 60.0, "handcrafted": 40.0})


def answered(right: float, count: int = 200) -> Classified:
    """Two classes, of which so large a share is named rightly."""
    probabilities = np.zeros((count, 2), np.float32)
    probabilities[:, 1] = np.arange(count) < right * count
    probabilities[:, 0] = 1 - probabilities[:, 1]
    return Classified(probabilities, np.ones(count, np.int64), ("a", "b"), 0.1)


def compared_with(**right: tuple[float, ...]) -> Any:
    """A comparison of approaches that name these shares rightly, one a seed."""
    rows = [
        Row(
            name, score=float(np.mean(some)), interval=(some[0] - 0.1, some[0] + 0.1),
            score_std=None, metrics={}, seconds=1.0, seconds_per_example=0.1,
            outcomes=cast(Any, some), scores=tuple(map(answered, some)),
            chosen=cast(Any, SimpleNamespace(
                method=SimpleNamespace(by_epochs=name == "scratch"),
                learned=SimpleNamespace(history=[{"epoch": 1, "top1": 0.2}]),
            )),
        )
        for name, some in right.items()
    ]  # fmt: skip
    return SimpleNamespace(
        rows=rows, row=lambda name: next(row for row in rows if row.name == name),
        dataset=TRIAL.data(0), task=TASKS["classification"],
    )  # fmt: skip


def test_an_order_is_found_and_another_is_not() -> None:
    result = beside(TRIAL, compared_with(handcrafted=(0.7, 0.72), scratch=(0.4, 0.42)), "")
    order, pair = result.rows
    assert order.verdict == pair.verdict == "same"
    assert order.said == "BoW 60.0 > scratch 40.0 (top-1)"
    assert order.ours == "BoW 71.0 > scratch 41.0 (top-1 in %)"
    assert pair.said == "20.0"
    assert pair.ours.startswith("+30.0 points (95 %: 2")
    assert [panel.title for panel in result.panels] == ["digits: top-1, 95 %", "learning"]
    order, pair = beside(
        replace(TRIAL, orders=[TURNED]), compared_with(handcrafted=(0.7,), scratch=(0.4,)), "few"
    ).rows
    assert order.verdict == pair.verdict == "different"
    assert order.why == "BoW is ahead of scratch; the quick form has only few"
    assert pair.why == f"{BEHIND}; too few digits; the quick form has only few"
    order, pair = beside(TRIAL, compared_with(handcrafted=(0.74,), scratch=(0.7,)), "").rows
    assert order.verdict == "same"
    assert pair.verdict == "same"  # both see the same examples
    order, pair = beside(TRIAL, compared_with(handcrafted=(0.7,), scratch=(0.7,)), "").rows
    assert order.verdict == pair.verdict == "not reachable here"
    assert pair.why.startswith(LEVEL)


def test_it_runs() -> None:
    trial = replace(TRIAL, orders=[Order({"scratch": 40.0}, "top-1")])
    (order,) = compared(trial, quick=True, seed=0).rows
    assert order.what.startswith("order on digits, ")
    assert order.verdict == "same"  # of one


def test_errors_are_ordered_from_the_least():
    trial = replace(TRIAL, orders=[Order({"handcrafted": 18.5, "scratch": 27.4}, "wrong", True)])
    order, pair = beside(trial, compared_with(handcrafted=(0.7,), scratch=(0.4,)), "").rows
    assert order.said == "BoW 18.5 < scratch 27.4 (wrong)"
    assert pair.said == "8.9"
    assert pair.verdict == "same"


TRIALS = {
    "approaches-small": approaches.SMALL, "approaches-medium": approaches.MEDIUM,
    "approaches-shifted": approaches.SHIFTED, "detection-table": task_tables.DETECTION,
    "segmentation-table": task_tables.SEGMENTATION, "kim-table": task_tables.SENTENCES,
    "speech-table": task_tables.SPEECH, "dbn": task_tables.BELIEF_NETS,
    "questions-table": task_tables.QUESTIONS, "captions-table": task_tables.CAPTIONS,
    "verification-table": task_tables.VERIFICATION,
}  # fmt: skip


@pytest.mark.parametrize("name", TRIALS)
def test_published_orders_are_orders_of_methods_that_are_here(name: str) -> None:
    trial = TRIALS[name]
    known = {method for task in TASKS.values() for method in task.methods}
    for order in trial.orders:
        values = list(order.said.values())
        assert values == sorted(values, reverse=not order.errors)
        assert known >= set(order.said)
        assert set(order.why) <= set(pairwise(order.said))
    one = EXPERIMENTS[name]
    assert one.needs
    assert getattr(import_module(f"striate.experiments.{one.module}"), one.function) is trial


def test_xrays_of_another_source_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in ("train", "test"):
        for name in ("covid19", "no_findings", "pneumonia"):
            folder = tmp_path / "chest_xray" / part / name
            folder.mkdir(parents=True)
            for number in range(4):
                noise = np.random.default_rng(number).integers(0, 256, (20, 20), np.uint8)
                Image.fromarray(noise).save(folder / f"{number}.png")
    monkeypatch.setenv("STRIATE_DATA", str(tmp_path))
    data = xrays(0)
    assert data.classes == ("no_findings", "pneumonia")
    assert data.counts().sum(1).tolist() == [8, 8]
