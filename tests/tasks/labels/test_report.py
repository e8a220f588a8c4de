"""The parts of a report that are of any labels, by hand."""

import numpy as np

from striate import pages
from striate.tasks.labels import report
from striate.tasks.labels.scores import Classified


def scored(targets: list[int], given: list[int], classes: int) -> Classified:
    probabilities = np.full((len(given), classes), 0.1, np.float32)
    probabilities[np.arange(len(given)), given] = np.linspace(0.5, 0.9, len(given))
    names = tuple(f"class {k}" for k in range(classes))
    return Classified(probabilities, np.array(targets), names, 0.0)


def test_confusion_of_few_classes_and_of_many() -> None:
    few = report.confused(scored([0, 0, 1], [0, 1, 1], 3))
    assert [[cell["count"] for cell in row["cells"]] for row in few["rows"]] == [
        [1, 1, 0], [0, 1, 0], [0, 0, 0],
    ]  # fmt: skip
    assert [row["recall"] for row in few["rows"]] == ["50%", "100%", "–"]
    assert few["precisions"] == ["100%", "50%", "–"]
    many = report.confused(scored([0, 0, 7, 7, 7], [0, 1, 3, 3, 2], 31))
    assert many["rows"] is None
    assert many["pairs"][0] == {"true": "class 7", "given": "class 3", "count": 2}
    assert len(many["pairs"]) == 3
    one = report.confusion(scored([0, 0, 7], [0, 1, 3], 31), "Bag of words", "text")
    page = pages.fragment(one.package, one.template, one.values)
    assert "What Bag of words confuses" in page
    assert "<th>texts</th>" in page


def test_reliability_on_the_diagonal() -> None:
    probabilities = np.tile(np.array([[0.75, 0.25]], np.float32), (4, 1))
    scores = Classified(probabilities, np.array([0, 0, 0, 1]), ("a", "b"), 0.0)
    (dot,) = report.dots(scores)
    assert dot == {"x": "197.5", "y": "62.5", "r": "12.0"}  # both 0.75 of 210


def test_answers_that_are_not_finite_have_a_dot() -> None:
    scores = Classified(np.full((2, 2), np.nan, np.float32), np.array([0, 1]), ("a", "b"), 0.0)
    assert len(report.dots(scores)) == 1
