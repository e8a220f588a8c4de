"""The task's own parts of a report, on a real comparison."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from striate.comparing import Comparison, compare
from striate.data import Dataset, Labels
from striate.handcrafted.words import SMALL
from striate.tasks.classification import report
from striate.tasks.labels.scores import Classified
from striate.training import recipes

NASTY = "<script>alert('x')</script> & $x_{1}"


@pytest.fixture(autouse=True, scope="module")
def _little_work() -> Iterator[None]:
    """From scratch in two epochs, and 32 visual words: how much is learned is no matter here."""
    short = recipes.SCRATCH_SMALL.but(epochs=2)
    words = replace(SMALL, words=32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("striate.tasks.pictures.beginning.recipe_for", lambda *_: short)
        patch.setattr("striate.handcrafted.settings_for", lambda side: words)
        yield


@pytest.fixture(scope="module")
def found(toy: Dataset[Labels], _little_work: None) -> Comparison:
    names = ("bars", "disk", NASTY)
    return compare(
        replace(toy, targets=Labels(names, toy.targets.numbers)),
        ("handcrafted", "scratch"), task="classification", seeds=1,
    )  # fmt: skip


def test_the_page_has_every_part(found: Comparison, tmp_path: Path) -> None:
    page = found.report(tmp_path / "report.html").read_text()
    for words in ("The images", "confuses", "Its most confident mistakes", "depend on",
                  "How well its probabilities match its accuracy", "Learning curves"):  # fmt: skip
        assert words in page, words
    assert "<script>" not in page
    assert "$x_{1}" in page
    assert "calibration error" in page
    assert "top-5" not in page  # of three classes
    assert [row.name for row in found.rows] == ["handcrafted", "scratch"]
    assert found.best.score > 0.6  # visual words tell bars, disks and frames apart


def test_what_a_comparison_knows_of_each_method(found: Comparison) -> None:
    for row in found.rows:
        scores = row.chosen.scores
        assert isinstance(scores, Classified)
        assert scores.targets.tolist() == found.dataset.test.targets.numbers.tolist()
        np.testing.assert_allclose(scores.probabilities.sum(1), 1, rtol=1e-5)
        assert set(row.metrics) == {"top1", "calibration_error"}
        assert row.parameters > 1000
        assert row.chosen.learned.validation["top1"] >= 0


def scored(targets: list[int], given: list[int], classes: int) -> Classified:
    probabilities = np.full((len(given), classes), 0.1, np.float32)
    probabilities[np.arange(len(given)), given] = np.linspace(0.5, 0.9, len(given))
    names = tuple(f"class {k}" for k in range(classes))
    return Classified(probabilities, np.array(targets), names, 0.0)


def test_mistakes_come_most_confident_first(toy: Dataset[Labels]) -> None:
    scores = scored([0, 0, 1, 1], [0, 1, 0, 1], 2)
    rows = (40, 41, 42, 43)
    found = report.mistakes(toy, rows, scores)
    assert [one["name"] for one in found] == [toy.inputs.name(42), toy.inputs.name(41)]
    assert (found[0]["given"], found[0]["true"]) == ("class 0", "class 1")
    assert found[0]["picture"].startswith("data:image/png;base64,")


def test_answers_that_are_not_finite_do_not_break_the_page(toy: Dataset[Labels]) -> None:
    scores = Classified(np.full((2, 2), np.nan, np.float32), np.array([0, 1]), ("a", "b"), 0.0)
    assert len(report.mistakes(toy, (1, 2), scores)) == 2
