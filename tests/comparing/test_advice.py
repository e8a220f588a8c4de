"""The sentence says what the scores say: every number in it by pencil, or by the same intervals."""

from collections.abc import Callable
from typing import Any

import pytest

from striate.comparing.advice import Standing, advise
from striate.tasks.contract import Scores, Task, lead

Make = Callable[..., Scores]
TITLES = {
    "words": "Visual words",
    "transfer": "Deep features",
    "scratch": "Training from scratch",
    "rcnn": "Faster R-CNN",
}


@pytest.fixture
def standing(hits: Make) -> Callable[..., Standing]:
    """`standing("rcnn", right, seconds)`; `right` are lists for several seeds."""

    def make(name: str, right: list[Any], learning: float, answering: float = 0.0) -> Standing:
        seeds = right if isinstance(right[0], list) else [right]
        return Standing(name, TITLES[name], [hits(each, answering) for each in seeds], learning)

    return make


def interval(first: Standing, second: Standing) -> str:
    low, high = (100 * end for end in lead(first.scores, second.scores))
    return f"{low:.1f} to {high:.1f}"


def test_a_clear_lead(task: Task, standing: Callable[..., Standing]) -> None:
    # right on 90 and on 70 of 100: however cheap the other is, it is clearly behind
    first = standing("rcnn", [1] * 90 + [0] * 10, 100)
    second = standing("transfer", [1] * 70 + [0] * 30, 1)
    assert lead(first.scores, second.scores)[0] > 0.1
    assert advise(task, [second, first]) == (
        "rcnn",
        "Take Faster R-CNN: it is 20.0 points of right answers ahead of deep features "
        f"(95 % interval: {interval(first, second)}).",
    )


MUCH = [1] * 40 + [1] * 21 + [0] * 19 + [0] * 20  # 61 right
LESS = [1] * 40 + [0] * 21 + [1] * 19 + [0] * 20  # 59; where the two differ, 21 to 19


@pytest.mark.parametrize(
    ("fine", "cheap", "faster"),
    [
        ((60, 0.0), (5, 0.0), "learns 12 times as fast"),
        # 1 + 1,000 * 0.05 seconds against 2 + 1,000 * 0.002
        ((1, 0.05), (2, 0.002), "answers 25 times as fast"),
        ((60, 0.05), (5, 0.002), "learns 12 times as fast and answers 25 times as fast"),
    ],
)
def test_a_method_that_may_be_as_good_and_costs_a_third(
    task: Task, standing: Callable[..., Standing], fine: Any, cheap: Any, faster: str
) -> None:
    top, other = standing("rcnn", MUCH, *fine), standing("transfer", LESS, *cheap)
    assert advise(task, [top, other]) == (
        "transfer",
        "Take deep features: it is 2.0 points of right answers behind Faster R-CNN "
        f"(95 % interval: {interval(top, other)}), so the two may be equally good, and it "
        f"{faster}.",
    )


def test_a_method_that_may_be_as_good_but_is_not_cheap(
    task: Task, standing: Callable[..., Standing]
) -> None:
    top, other = standing("rcnn", MUCH, 12), standing("transfer", LESS, 5)
    assert advise(task, [other, top]) == (
        "rcnn",
        "Take Faster R-CNN: it is 2.0 points of right answers ahead of deep features "
        f"(95 % interval: {interval(top, other)}), so the two may be equally good, but nothing "
        "that may be as good takes a third of its time or less.",
    )


def test_the_best_may_be_the_cheapest_too(task: Task, standing: Callable[..., Standing]) -> None:
    best, sentence = advise(task, [standing("rcnn", LESS, 50), standing("transfer", MUCH, 5)])
    assert best == "transfer"
    assert sentence.endswith("so the two may be equally good, and it learns 10 times as fast.")


def test_the_cheapest_of_those_that_may_be_as_good(
    task: Task, standing: Callable[..., Standing]
) -> None:
    # visual words are cheaper still, but clearly behind: 40 of 100 points
    best, sentence = advise(
        task,
        [
            standing("words", [1] * 21 + [0] * 79, 1),
            standing("transfer", LESS, 10),
            standing("scratch", LESS, 5),
            standing("rcnn", MUCH, 60),
        ],
    )
    assert best == "scratch"
    assert sentence.startswith("Take training from scratch: it is 2.0 points")
    assert sentence.endswith("learns 12 times as fast.")


def test_one_alone(task: Task, standing: Callable[..., Standing]) -> None:
    alone = standing("scratch", [1, 1, 1, 0] * 25, 3)
    low, high = (100 * end for end in alone.scores[0].interval)
    assert advise(task, [alone]) == (
        "scratch",
        "Training from scratch is the only method here: its right on the test examples is 75.0 % "
        f"(95 % interval: {low:.1f} to {high:.1f}).",
    )


def test_twins_are_level_and_the_cheaper_is_taken(
    task: Task, standing: Callable[..., Standing]
) -> None:
    right = [1, 0, 1] * 4
    twins = [standing("rcnn", right, 4), standing("transfer", right, 3)]
    best, sentence = advise(task, twins)
    assert best == "transfer"
    assert sentence.startswith(
        "Take deep features: it is level with Faster R-CNN (95 % interval of the difference: 0.0 "
        "to 0.0 points of right answers)"
    )


def test_seeds_widen_the_interval(task: Task, standing: Callable[..., Standing]) -> None:
    steady = standing("rcnn", [[1] * 80 + [0] * 20] * 3, 60)
    shaky = standing("rcnn", [[1] * 100, [1] * 80 + [0] * 20, [1] * 60 + [0] * 40], 60)
    other = standing("transfer", [1] * 65 + [0] * 35, 60)
    assert steady.score == pytest.approx(shaky.score)
    assert lead(steady.scores, other.scores)[0] > 0 >= lead(shaky.scores, other.scores)[0]
    assert advise(task, [steady, other])[1].endswith(").")
    assert "may be equally good" in advise(task, [shaky, other])[1]


def test_what_has_no_score_is_never_taken(task: Task, standing: Callable[..., Standing]) -> None:
    broken = standing("rcnn", [float("nan")] * 3, 1)
    best, _ = advise(task, [broken, standing("transfer", [1, 0, 0], 90)])
    assert best == "transfer"


def test_what_cannot_be_told_from_guessing_is_called_so(
    task: Task, standing: Callable[..., Standing], monkeypatch: pytest.MonkeyPatch
) -> None:
    better = standing("rcnn", [1] * 58 + [0] * 42, 1)  # 48 to 68 of 100
    worse = standing("words", [1] * 40 + [0] * 60, 1)
    assert "guess" not in advise(task, [worse, better])[1]
    monkeypatch.setattr(type(better.scores[0]), "chance", 0.52)
    assert advise(task, [worse, better])[1].endswith(
        ". But it cannot be told from guessing, which gets 52.0 %."
    )
    monkeypatch.setattr(type(better.scores[0]), "chance", 0.3)
    assert "guess" not in advise(task, [worse, better])[1]


BETTER = [1] * 12 + [1] * 18 + [0] * 10  # 30 right of 40
GUESSED = [1] * 12 + [0] * 18 + [1] * 10  # 22; where the two differ, 18 to 10


@pytest.fixture
def coin(hits: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the answers of whoever looks at nothing are right."""
    monkeypatch.setattr(type(hits([1])), "chance", 0.5)


@pytest.mark.usefixtures("coin")
def test_a_cheap_method_that_may_be_guessing_does_not_take_the_place_of_a_better_one(
    task: Task, standing: Callable[..., Standing]
) -> None:
    top, words = standing("transfer", BETTER, 60), standing("words", GUESSED, 1)
    assert lead(top.scores, words.scores)[0] <= 0 < top.score - words.score
    assert not top.scores[0].is_guessing
    assert words.scores[0].is_guessing
    assert advise(task, [words, top]) == (
        "transfer",
        "Take deep features: it is 20.0 points of right answers ahead of visual words "
        f"(95 % interval: {interval(top, words)}); visual words cannot be told from guessing.",
    )


@pytest.mark.usefixtures("coin")
def test_of_cheap_methods_the_one_that_is_not_guessing(
    task: Task, standing: Callable[..., Standing]
) -> None:
    top, words = standing("rcnn", BETTER, 60), standing("words", GUESSED, 1)
    close = standing("transfer", [0, *BETTER[1:]], 10)
    assert advise(task, [words, close, top])[0] == "transfer"


@pytest.mark.parametrize("seconds", [(1, 60), (60, 1)])
@pytest.mark.usefixtures("coin")
def test_so_few_test_examples_tell_nothing_apart(
    task: Task, standing: Callable[..., Standing], seconds: tuple[float, float]
) -> None:
    # 5 right of 5 against 0: 1 in 16 by chance (sign test, both sides), whatever either costs
    first = standing("transfer", [1] * 5, seconds[0])
    second = standing("words", [0] * 5, seconds[1])
    assert advise(task, [second, first]) == (
        "transfer",
        "Take deep features: its right is the highest (100.0 %), but 5 test examples are too few "
        "to tell methods apart.",
    )
    six = [standing("transfer", [1] * 6, 1), standing("words", [0] * 6, 1)]  # 1 in 32
    assert "too few" not in advise(task, six)[1]


def test_few_test_examples_and_guessing(
    task: Task, standing: Callable[..., Standing], monkeypatch: pytest.MonkeyPatch
) -> None:
    tuned, deep = standing("rcnn", [1, 0], 3, 0.01), standing("transfer", [1, 0], 2, 0.02)
    monkeypatch.setattr(type(tuned.scores[0]), "chance", 0.5)
    assert advise(task, [standing("words", [0, 0], 0.1), tuned, deep]) == (
        "transfer",
        "Take deep features: its right is the highest (50.0 %), like that of Faster R-CNN, but 2 "
        "test examples are too few to tell methods apart. Nor can it be told from guessing, which "
        "gets 50.0 %.",
    )
