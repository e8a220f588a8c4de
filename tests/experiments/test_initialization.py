"""Deep networks and their first weights, by pencil; and a run of a few steps."""

import numpy as np
import pytest
import torch
from tests.experiments.pictures import spots
from torch import nn

from striate.experiments import initialization as first_weights
from striate.experiments.learning import Curve


@pytest.mark.parametrize("form", first_weights.FORMS)
@pytest.mark.parametrize("depth", [8, 20, 56])
def test_layers_with_weights(form, depth):
    network = first_weights.network(form, depth)
    weighty = [one for one in network.modules() if isinstance(one, nn.Conv2d | nn.Linear)]
    assert len(weighty) == depth
    assert network(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
    normal = [one for one in network.modules() if isinstance(one, nn.BatchNorm2d)]
    assert len(normal) == (0 if form == "plain" else depth - 1)


def test_deviations_of_first_weights():
    layer = first_weights.drawn(first_weights.network("plain", 20), "normal", 0)[2]
    assert float(layer.weight.detach().std()) == pytest.approx(0.01, rel=0.1)
    layer = first_weights.drawn(first_weights.network("plain", 20), "orthogonal", 0)[2]
    rows = layer.weight.detach().flatten(1)
    assert torch.allclose(rows @ rows.T, 2 * torch.eye(len(rows)), atol=1e-5)


def test_a_factor_is_read_off_the_first_stage():
    way = [2.0**-layer for layer in range(56)]  # the mean square by a quarter, layer by layer
    rows = first_weights.passing(dict.fromkeys(first_weights.FIRST, way))
    assert {row.ours for row in rows} == {"0.25 in the mean of 18 layers"}
    assert [row.verdict for row in rows] == ["different", "different", "different", "different"]


def test_verdicts():
    def ending(accuracy: float, diverged: bool = False) -> Curve:
        return Curve(np.array([1]), np.array([accuracy]), diverged)

    ends = {
        (form, first, depth): ending(0.9)
        for form in first_weights.FORMS
        for first in first_weights.FIRST
        for depth in (8, 20, 56)
    }
    verdicts = [row.verdict for row in first_weights.reaching(ends)]
    assert verdicts == ["different", "different", "same", "same", "different"]
    ends |= {("plain", "normal", 20): ending(0.1), ("plain", "normal", 56): ending(0.1, True)}
    ends |= {("plain", "glorot", 56): ending(0.1), ("normalized", "he", 56): ending(0.8)}
    rows = first_weights.reaching(ends)
    assert {row.verdict for row in rows} == {"same"}
    assert rows[0].ours.endswith("20: 10 %, as they are, N(0, 0.01), 56: diverged")


def test_it_runs(monkeypatch):
    really = first_weights.learned

    def learned(digits, form, first, depth, quick, seed):
        if (first, depth) == ("he", 8):
            return really(digits, form, first, depth, quick, seed)
        return Curve(np.array([2, 4]), np.array([0.1, 0.2]))

    monkeypatch.setattr(first_weights, "opened", lambda name: spots(30))
    monkeypatch.setattr(first_weights, "learned", learned)
    monkeypatch.setitem(first_weights.STEPS, True, (4, 2))
    found = first_weights.run(quick=True, seed=0)
    assert all(row.said and row.ours for row in found.rows)
    assert [len(panel.lines) for panel in found.panels] == [4, 4, 4, 4, 3]
