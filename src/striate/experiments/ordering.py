"""Methods of which papers or lectures say which comes first, compared on other data: is the order
found again?

The published numbers are of other data and of networks of their years; what can be found again here
is the order. Intervals are over test examples and seeds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import Any

import numpy as np

import striate
from striate.comparing import Comparison
from striate.comparing.rows import Row as Compared
from striate.data import Dataset
from striate.experiments.judging import Lead, with_deviation
from striate.experiments.result import Line, Panel, Result, Row, Verdict
from striate.tasks.contract import lead

Pair = tuple[str, str]


@dataclass(frozen=True)
class Order:
    """Methods and their published numbers.

    Attributes:
        said: of each, best first, of what `measure` says.
        errors: whether the numbers are of errors, the least best.
        why: the order of two may turn out otherwise.
    """

    said: Mapping[str, float]
    measure: str
    errors: bool = False
    why: Mapping[Pair, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Trial:
    """A comparison here.

    Attributes:
        data: the set that stands for the published one, from the seed.
        orders: that are looked for; their methods are learned.
        quick: examples and settings of the quick form.
        seeds: of the whole form; None: as the methods say.
        titles: of methods, where the source calls them otherwise.
    """

    data: Callable[[int], Dataset[Any]]
    orders: Sequence[Order]
    quick: tuple[int, tuple[str, ...]]
    seeds: int | None = None
    titles: Mapping[str, str] = field(default_factory=dict)
    task: str | None = None

    def __call__(self, quick: bool, seed: int) -> Result:
        """What an experiment of the table is."""
        return compared(self, quick, seed)


def compared(trial: Trial, quick: bool, seed: int) -> Result:
    """Each method as it comes, on the same split."""
    data = trial.data(seed)
    examples, settings = trial.quick
    names = dict.fromkeys(name for order in trial.orders for name in order.said)
    found = striate.compare(
        data.at_most(examples, seed) if quick else data,
        tuple(names),
        task=trial.task,
        seeds=1 if quick else trial.seeds,
        seed=seed,
        settings=settings if quick else (),
    )
    few = " and ".join((f"{examples:,} examples", *settings)) if quick else ""
    return beside(trial, found, few)


def beside(trial: Trial, found: Comparison, few: str) -> Result:
    """What was published, and a comparison.

    Args:
        few: what the quick form has learned from.
    """
    rows: list[Row] = []
    for order in trial.orders:
        rows.append(whole(trial, order, found, few))
        rows += [pair(trial, order, found, *both, few) for both in pairwise(order.said)]
    panels = [scores(trial, order, found) for order in trial.orders]
    return Result(rows, [*panels, *curves(trial, found)])


def title(trial: Trial, found: Comparison, name: str) -> str:
    """What a method is called."""
    return trial.titles.get(name) or found.row(name).title


def whole(trial: Trial, order: Order, found: Comparison, few: str) -> Row:
    """All methods of an order, best first."""
    data = found.dataset
    rows = [found.row(name) for name in order.said]
    ours = sorted(rows, key=lambda row: -row.score)
    verdict, why = of_all({
        (title(trial, found, one.name), title(trial, found, other.name)): between(one, other)
        for one, other in combinations(rows, 2)
    })  # fmt: skip
    seeds, scored = rows[0].seeds, rows[0].scores[0]
    sign = "<" if order.errors else ">"
    why = "; ".join(filter(None, (why, why and few and f"the quick form has only {few}")))
    classes = f" of {len(data.classes)} classes" if data.classes else ""
    said = (f"{title(trial, found, name)} {value}" for name, value in order.said.items())
    return Row(
        f"order on {data.name}, {len(data.train):,} examples{classes} to learn from, "
        f"{scored.examples:,} {scored.drawn}s scored, {seeds} {'seed' if seeds == 1 else 'seeds'}",
        f" {sign} ".join(said) + f" ({order.measure})",
        " > ".join(f"{title(trial, found, row.name)} {with_deviation(row.score, row.score_std)}"
                   for row in ours) + f" ({found.task.score_title} in %)",
        verdict, why,
    )  # fmt: skip


def between(first: Compared, second: Compared) -> Lead:
    """How far one method is ahead of another, paired over examples and seeds."""
    low, high = lead(first.scores, second.scores)
    return Lead(100 * (first.score - second.score), 100 * low, 100 * high)


def of_all(leads: Mapping[Pair, Lead]) -> tuple[Verdict, str]:
    """Whether an order holds, by the lead of each method over each that should come behind it.

    >>> of_all({("a", "b"): Lead(2, 1, 3), ("a", "c"): Lead(1, -1, 3)})
    ('not reachable here', 'so few examples cannot tell apart: a and c')
    >>> of_all({("a", "b"): Lead(2, 1, 3), ("a", "c"): Lead(-2, -3, -1)})
    ('different', 'c is ahead of a')
    """
    behind = [pair for pair, one in leads.items() if one.verdict == "different"]
    if behind:
        return "different", "; ".join(f"{other} is ahead of {one}" for one, other in behind)
    level = [f"{one} and {other}" for (one, other), it in leads.items() if it.verdict != "same"]
    if level:
        return "not reachable here", "so few examples cannot tell apart: " + "; ".join(level)
    return "same", ""


def pair(trial: Trial, order: Order, found: Comparison, first: str, second: str, few: str) -> Row:
    """Whether one is ahead of the next."""
    one, other = found.row(first), found.row(second)
    ahead = between(one, other)
    reasons = order.why.get((first, second), ""), f"the quick form has only {few}" if few else ""
    apart = abs(order.said[first] - order.said[second])
    return Row(
        f"{title(trial, found, first)} before {title(trial, found, second)}: points",
        f"{apart:.1f}",
        f"{ahead}",
        *ahead.judged(*reasons),
    )


def scores(trial: Trial, order: Order, found: Comparison) -> Panel:
    """The published numbers and ours with their intervals, in the published order."""
    rows = [found.row(name) for name in order.said]
    x = np.arange(1.0, len(rows) + 1)
    low, high = 100 * np.array([row.interval for row in rows]).T
    lines = [
        Line(f"{n:.0f} {title(trial, found, row.name)}", x[at], middle[at], dots=True,
             spread=half[at])
        for n, row, at, middle, half in (
            (x[i], row, slice(i, i + 1), (low + high) / 2, (high - low) / 2)
            for i, row in enumerate(rows)
        )
    ]  # fmt: skip
    said = np.array(list(order.said.values()))
    published = Line("published", x, 100 - said if order.errors else said, dots=True)
    return Panel(f"{found.dataset.name}: {found.task.score_title}, 95 %", "", "%",
                 [*lines, published], (0, len(rows) + 1, 0, 100))  # fmt: skip


def curves(trial: Trial, found: Comparison) -> list[Panel]:
    """How what learns by epochs did on the validation examples, where that is in [0, 1]."""
    lines = []
    for row in found.rows:
        history = row.chosen.learned.history
        key = found.task.score
        values = [(float(one["epoch"]), float(one[key])) for one in history if key in one]
        if row.chosen.method.by_epochs and values:
            x, y = np.array(values).T
            lines.append(Line(title(trial, found, row.name), x, 100 * y))
    if not lines:
        return []
    return [Panel("learning", "epoch", "% of the validation examples", lines)]
