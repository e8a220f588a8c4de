"""The sentence says what the table says: every number in it by pencil."""

from collections.abc import Callable

import pytest

from striate.approaches import Outcome
from striate.approaches.advice import advise, lead

Make = Callable[..., Outcome]
TITLES = {
    "handcrafted": "Visual words",
    "transfer": "Deep features",
    "scratch": "From scratch",
    "finetune": "Fine-tuned",
}


def test_a_clear_lead(outcome: Make) -> None:
    # 100 images: right on 90 and on 70, the 70 among the 90. Difference 0.2 a mean, its deviation
    # sqrt(0.2 - 0.04) = 0.4, its standard error 0.04: five times the spread.
    groups = {
        "transfer": [outcome("transfer", [1] * 70 + [0] * 30, 1)],
        "finetune": [outcome("finetune", [1] * 90 + [0] * 10, 100)],
    }
    assert advise(groups, TITLES) == (
        "finetune",
        "Fine-tuned is 20.0 points ahead of deep features, 5.0 times the spread: take it.",
    )


def test_level_but_cheaper(outcome: Make) -> None:
    # 100 images: right on 61 to 59; where they differ, 21 to 19. Mean 0.02, standard error
    # sqrt(0.4 - 0.0004) / 10 = 0.0632: level. 60 seconds to 5: twelve times as fast.
    groups = {
        "finetune": [outcome("finetune", [1] * 40 + [1] * 21 + [0] * 19 + [0] * 20, 60)],
        "transfer": [outcome("transfer", [1] * 40 + [0] * 21 + [1] * 19 + [0] * 20, 5)],
    }
    assert advise(groups, TITLES) == (
        "transfer",
        "Deep features is 2.0 points behind fine-tuned, within twice the spread of 6.3, and learns "
        "12 times as fast: take it.",
    )


def test_level_and_not_cheaper(outcome: Make) -> None:
    groups = {
        "finetune": [outcome("finetune", [1] * 40 + [1] * 21 + [0] * 19 + [0] * 20, 12)],
        "transfer": [outcome("transfer", [1] * 40 + [0] * 21 + [1] * 19 + [0] * 20, 5)],
    }
    assert advise(groups, TITLES) == (
        "finetune",
        "Fine-tuned is 2.0 points ahead of deep features, within twice the spread of 6.3, so they "
        "are level; take it, for nothing as good is 3 times as fast.",
    )


def test_the_cheapest_of_those_that_are_level(outcome: Make) -> None:
    # Visual words are cheaper still, but clearly behind: 40 of 100 points.
    groups = {
        "handcrafted": [outcome("handcrafted", [1] * 21 + [0] * 79, 1)],
        "transfer": [outcome("transfer", [1] * 40 + [0] * 21 + [1] * 19 + [0] * 20, 10)],
        "scratch": [outcome("scratch", [1] * 40 + [0] * 20 + [1] * 20 + [0] * 20, 5)],
        "finetune": [outcome("finetune", [1] * 40 + [1] * 21 + [0] * 19 + [0] * 20, 60)],
    }
    best, sentence = advise(groups, TITLES)
    assert best == "scratch"
    assert "learns 12 times as fast" in sentence


def test_one_alone(outcome: Make) -> None:
    groups = {"scratch": [outcome("scratch", [1, 1, 1, 0], 3)]}
    assert advise(groups, TITLES) == (
        "scratch",
        "From scratch names 75.0% of the test images rightly.",
    )


def test_no_chance_at_all(outcome: Make) -> None:
    groups = {
        "scratch": [outcome("scratch", [0] * 8, 3)],
        "transfer": [outcome("transfer", [1] * 8, 3)],
    }
    assert advise(groups, TITLES) == (
        "transfer",
        "Deep features is 100.0 points ahead of from scratch, on every image: take it.",
    )


def test_twins_are_level(outcome: Make) -> None:
    groups = {name: [outcome(name, [1, 0, 1], 3)] for name in ("transfer", "finetune")}
    best, sentence = advise(groups, TITLES)
    assert best == "transfer"
    assert "0.0 points ahead of fine-tuned, within twice the spread of 0.0" in sentence


def test_seeds_widen_the_spread(outcome: Make) -> None:
    # Two seeds, 0.5 and 0.75 of 4 images, against one of 0.25. By image the means are 1, 1, 0.5, 0
    # and 1, 0, 0, 0: the difference 0, 1, 0.5, 0 has mean 0.375 and variance 0.171875, so the
    # sampling error is sqrt(0.171875 / 4). The seeds' variance is 0.03125, of their mean half that.
    first = [outcome("a", [1, 1, 0, 0], 1), outcome("a", [1, 1, 1, 0], 1, seed=1)]
    found = lead(first, [outcome("b", [1, 0, 0, 0], 1)])
    assert found.ahead == pytest.approx(0.375)
    assert found.spread == pytest.approx((0.171875 / 4 + 0.03125 / 2) ** 0.5)
    assert not found.clear
