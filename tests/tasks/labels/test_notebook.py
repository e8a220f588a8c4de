"""How a notebook shows predictions: bars where there are classes, else the line; escaped."""

import numpy as np

from striate.tasks.generation.answers import Made
from striate.tasks.labels.answers import Prediction

CLASSES = ("<script>", "dog", "owl")


def test_bars_of_the_most_probable_classes() -> None:
    probabilities = np.array([0.7, 0.1, 0.2], np.float32)
    shown = Prediction.of("<img src=x>", CLASSES, probabilities, True)._repr_html_()
    assert "<script" not in shown
    assert "<img" not in shown
    assert shown.index("&lt;script&gt;") < shown.index("owl") < shown.index("dog")
    assert "width:70.0%" in shown


def test_none_of_these_has_no_bars() -> None:
    shown = Prediction.of("x", CLASSES, np.array([0.7, 0.1, 0.2], np.float32), False)._repr_html_()
    assert "none of these (&lt;script&gt; 70.0 %" in shown
    assert "width:70.0%" not in shown


def test_what_cannot_be_read_says_why() -> None:
    shown = Prediction("x", error="<b>truncated</b>")._repr_html_()
    assert "&lt;b&gt;truncated" in shown
    assert "<table>" not in shown


def test_what_is_a_picture_is_shown() -> None:
    shown = Made("seed 1", pixels=np.zeros((8, 8, 3), np.uint8))._repr_html_()
    assert '<img src="data:image/png;base64,' in shown
