"""A small AlexNet without some of its layers: parameters by pencil, verdicts, and a short run."""

import numpy as np
import pytest
from tests.experiments.pictures import spots

from striate.experiments import layers_out

ALL = ("conv3", "conv4", "fc6", "fc7")


def test_parameters_by_pencil():
    a, b, c, d, e = layers_out.WIDTHS
    h = layers_out.HIDDEN
    whole = (
        (75 * a + a) + (25 * a * b + b) + (9 * b * c + c) + (9 * c * d + d) + (9 * d * e + e)
        + (9 * e * h + h) + (h * h + h) + (10 * h + 10)
    )  # fmt: skip
    assert layers_out.parameters(layers_out.fresh((), 0)) == whole
    assert layers_out.parameters(layers_out.fresh(("fc7",), 0)) == whole - (h * h + h)
    fewer = (9 * e * h + h) + (h * h + h) + 10 * h - 10 * 9 * e  # fc8 reads pool5 instead
    assert layers_out.parameters(layers_out.fresh(("fc6", "fc7"), 0)) == whole - fewer
    fewer = (9 * b * c + c) + (9 * c * d + d) + 9 * (d - b) * e  # conv5 reads pool2
    assert layers_out.parameters(layers_out.fresh(("conv3", "conv4"), 0)) == whole - fewer


@pytest.mark.parametrize(("loss", "verdict"), [(0.335, "same"), (0.1, "different")])
def test_verdicts(loss, verdict):
    right = {(): np.ones((1, 1000))}
    right |= {layers: np.ones((1, 1000)) for layers in layers_out.OUT}
    right[ALL][0, : int(1000 * loss)] = 0
    sizes = dict.fromkeys(right, 10) | {(): 20}
    rows = layers_out.rows(right, sizes)
    assert rows[-1].verdict == verdict
    assert "10 of 20 (50 %)" in rows[-1].ours
    assert layers_out.order(right).verdict == "same"
    right["conv3", "conv4"][0, :400] = 0
    assert layers_out.order(right).verdict == "different"


def test_it_runs(monkeypatch):
    monkeypatch.setattr(layers_out, "opened", lambda name: spots(30, size=32, color=True))
    monkeypatch.setattr(layers_out, "RECIPE", layers_out.RECIPE.but(epochs=1))
    found = layers_out.run(quick=True, seed=0)
    assert all(row.said and row.ours for row in found.rows)
    assert len(found.panels[0].lines) == 5
