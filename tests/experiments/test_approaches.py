"""The order of approaches is found or not, and why it is not is told."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from striate.comparing import Row
from striate.data.catalog import open_named
from striate.experiments import EXPERIMENTS, approaches
from striate.experiments.approaches import LEVEL, Case, beside, compared, told, xrays
from striate.tasks.labels.scores import Classified

CASE = Case(
    {"handcrafted": 60.0, "scratch": 40.0},
    "top-1",
    lambda seed: open_named("digits", seed=seed),
    quick=(60, 1),
    seeds=1,
    why={("scratch", "handcrafted"): "too few digits"},
)


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
        dataset=CASE.data(0),
    )  # fmt: skip


def test_an_order_is_found_and_another_is_not() -> None:
    found = beside(CASE, compared_with(handcrafted=(0.7, 0.72), scratch=(0.4, 0.42)), "")
    order, pair = found.rows
    assert order.verdict == pair.verdict == "same"
    assert order.said == "BoW 60.0 > scratch 40.0 (top-1)"
    assert order.ours == "BoW 71.0 > scratch 41.0 (top-1 in %)"
    assert pair.said == "20.0"
    assert pair.ours.startswith("30.0 (95 %: 2")
    assert [panel.title for panel in found.panels] == ["digits: 95 % intervals", "learning"]
    turned = replace(CASE, said={"scratch": 60.0, "handcrafted": 40.0})
    order, pair = beside(turned, compared_with(handcrafted=(0.7,), scratch=(0.4,)), "few").rows
    assert order.verdict == pair.verdict == "different"
    assert pair.why == "the quick form has only few; too few digits"
    order, pair = beside(CASE, compared_with(handcrafted=(0.74,), scratch=(0.7,)), "").rows
    assert order.verdict == "same"
    assert pair.verdict == "same"  # both see the same examples
    order, pair = beside(CASE, compared_with(handcrafted=(0.7,), scratch=(0.7,)), "").rows
    assert pair.verdict == "different"
    assert pair.why == LEVEL


def test_it_runs() -> None:
    case = replace(CASE, said={"scratch": 40.0})
    (order,) = compared(case, quick=True, seed=0).rows
    assert order.what.startswith("order on digits, ")
    assert order.verdict == "same"  # of one


def test_what_is_compared_are_the_tables_of_the_lectures() -> None:
    for case, name in (
        (approaches.SMALL, "small"), (approaches.MEDIUM, "medium"), (approaches.SHIFTED, "shifted"),
    ):  # fmt: skip
        values = list(case.said.values())
        assert values == sorted(values, reverse=True)
        assert EXPERIMENTS[f"approaches-{name}"].function == name
        assert set(case.why) <= set(zip(case.said, list(case.said)[1:], strict=False))


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


def test_scores_are_told_with_their_spread() -> None:
    assert told(0.5, 0.0123) == "50.0 ± 1.2"
