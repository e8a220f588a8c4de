"""Four approaches on few photographs, on many pictures, and far from photographs: in which order do
they come (the lectures' three tables)?

The lectures' numbers are of other data and of networks of 2013 and 2014; what can be found again
here is the order. Two approaches are in the lecture's order where the 95 % interval of the
difference, over test images and seeds, lies above 0.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

import striate
from striate.comparing import Comparison
from striate.data import Dataset
from striate.experiments.material import opened
from striate.experiments.result import Line, Panel, Result, Row
from striate.tasks.contract import lead

TITLES = {
    "finetune": "fine-tuning", "transfer": "transfer", "handcrafted": "BoW", "scratch": "scratch",
}  # fmt: skip
LEVEL = "the interval holds 0: the two cannot be told apart on so few test images"
Pair = tuple[str, str]


@dataclass(frozen=True)
class Case:
    """One of the tables.

    Attributes:
        said: by the lecture, best first, of what `measure` says.
        data: the set that stands for it here, from the seed.
        quick: images, and epochs of what learns by epochs, of the quick form.
        seeds: of the whole form.
        why: an order of two may turn out otherwise.
    """

    said: Mapping[str, float]
    measure: str
    data: Callable[[int], Dataset[Any]]
    quick: tuple[int, int]
    seeds: int
    why: Mapping[Pair, str]


def xrays(seed: int) -> Dataset[Any]:
    """Pneumonia against no finding; the third class can be told by its other source alone."""
    data = opened("chest_xray", seed=seed)
    named = np.array(data.classes)[data.targets.single()]
    data = data.take(np.flatnonzero(np.isin(named, ("no_findings", "pneumonia"))))
    return replace(data, targets=data.targets.compact())


SMALL = Case(
    {"finetune": 85.70, "transfer": 83.22, "handcrafted": 61.6, "scratch": 39.79},
    "mAP, VOC'07",
    lambda seed: opened("clothing", seed=seed),
    quick=(260, 2),
    seeds=3,
    why={
        ("finetune", "transfer"): "the lecture's own difference is 2.5 points",
    },
)
MEDIUM = Case(
    {"finetune": 65.71, "scratch": 53.62, "transfer": 40.21, "handcrafted": 23.96},
    "top-1, Food, VGG-16",
    lambda seed: opened("cifar10", seed=seed),
    quick=(2_000, 3),
    seeds=2,
    why={
        ("scratch", "transfer"): (
            "ImageNet, on which the kept network has learned, has these animals and vehicles, too, "
            "but hardly any of the lecture's 101 dishes; and the lecture had 100,000 pictures"
        ),
    },
)
SHIFTED = Case(
    {"finetune": 79.06, "scratch": 69.13, "transfer": 59.27},
    "top-1, M2CAI",
    xrays,
    quick=(240, 2),
    seeds=5,
    why={
        ("scratch", "transfer"): (
            "there are 200 X-rays to learn from, where the lecture had some 600,000 frames"
        ),
    },
)


def small(quick: bool, seed: int) -> Result:
    """Some hundred photographs of clothes."""
    return compared(SMALL, quick, seed)


def medium(quick: bool, seed: int) -> Result:
    """CIFAR-10, 2,500 pictures a class, a fifth of them to choose on."""
    return compared(MEDIUM, quick, seed)


def shifted(quick: bool, seed: int) -> Result:
    """Chest X-rays."""
    return compared(SHIFTED, quick, seed)


def compared(case: Case, quick: bool, seed: int) -> Result:
    """Each approach as it comes, on the same split."""
    data = case.data(seed)
    images, epochs = case.quick
    comparison = striate.compare(
        data.at_most(images, seed) if quick else data,
        tuple(case.said),
        seeds=1 if quick else case.seeds,
        seed=seed,
        settings=(f"epochs={epochs}",) if quick else (),
    )
    return beside(case, comparison, f"{images:,} images, {epochs} epochs" if quick else "")


def beside(case: Case, found: Comparison, few: str) -> Result:
    """The lecture's table and a comparison.

    Args:
        few: what the quick form has learned from.
    """
    names = list(case.said)
    pairs = [pair(case, found, *both, few) for both in pairwise(names)]
    return Result([order(case, found), *pairs], [scores(case, found), curves(found)])


def order(case: Case, found: Comparison) -> Row:
    """All of them, best first."""
    data = found.dataset
    ours = sorted(found.rows, key=lambda row: -row.score)
    same = [row.name for row in ours] == list(case.said)
    seeds = found.rows[0].seeds
    return Row(
        f"order on {data.name}, {len(data.train):,} images of {len(data.classes)} classes to learn "
        f"from, {ours[0].scores[0].examples:,} scored, {seeds} {'seed' if seeds == 1 else 'seeds'}",
        " > ".join(f"{TITLES[name]} {value}" for name, value in case.said.items())
        + f" ({case.measure})",
        " > ".join(f"{TITLES[row.name]} {told(row.score, row.score_std)}" for row in ours)
        + " (top-1 in %)",
        "same" if same else "different",
        "" if same else "the rows below say which two are in another order",
    )  # fmt: skip


def told(score: float, spread: float | None) -> str:
    """In per cent, with the standard deviation between seeds.

    >>> told(0.887, 0.004), told(0.887, None)
    ('88.7 ± 0.4', '88.7')
    """
    return f"{100 * score:.1f}" + ("" if spread is None else f" ± {100 * spread:.1f}")


def pair(case: Case, found: Comparison, first: str, second: str, few: str) -> Row:
    """Whether one is ahead of the next."""
    one, other = found.row(first), found.row(second)
    low, high = (100 * end for end in lead(one.scores, other.scores))
    why = ""
    if low <= 0:
        reasons = [LEVEL] if high >= 0 else []
        reasons += [f"the quick form has only {few}"] if few else []
        reasons += [case.why[first, second]] if (first, second) in case.why else []
        why = "; ".join(reasons)
    return Row(
        f"{TITLES[first]} before {TITLES[second]}: points",
        f"{case.said[first] - case.said[second]:.1f}",
        f"{100 * (one.score - other.score):.1f} (95 %: {low:.1f} to {high:.1f})",
        "same" if low > 0 else "different",
        why,
    )


def scores(case: Case, found: Comparison) -> Panel:
    """The lecture's numbers and ours with their intervals, in the lecture's order."""
    rows = [found.row(name) for name in case.said]
    x = np.arange(1.0, len(rows) + 1)
    low, high = 100 * np.array([row.interval for row in rows]).T
    lines = [
        Line(f"{n:.0f} {TITLES[row.name]}", x[at], middle[at], dots=True, spread=half[at])
        for n, row, at, middle, half in (
            (x[i], row, slice(i, i + 1), (low + high) / 2, (high - low) / 2)
            for i, row in enumerate(rows)
        )
    ]
    lecture = Line("the lecture", x, np.array(list(case.said.values())), dots=True)
    return Panel(f"{found.dataset.name}: 95 % intervals", "approach", "%", [*lines, lecture],
                 (0, len(rows) + 1, 0, 100))  # fmt: skip


def curves(found: Comparison) -> Panel:
    """How what learns by epochs did on the validation images."""
    lines = []
    for row in found.rows:
        history = row.chosen.learned.history
        if row.chosen.method.by_epochs and history:
            x, y = (np.array([float(one[key]) for one in history]) for key in ("epoch", "top1"))
            lines.append(Line(TITLES[row.name], x, 100 * y))
    return Panel("learning", "epoch", "% of the validation images", lines)
