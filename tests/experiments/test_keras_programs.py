"""The lectures' programs: their parameters, their first gradients, and a run on a few spots."""

import numpy as np
import pytest
import torch
from tests.experiments.pictures import spots

from striate.experiments import keras_programs as programs
from striate.experiments.learning import Curve


def test_parameters_by_pencil():
    assert programs.parameters(programs.fresh("logistic", 0)) == 784 * 10 + 10
    first, second = 32 * 25 + 32, 64 * 32 * 25 + 64
    full = 64 * 7 * 7 * 100 + 100 + 100 * 10 + 10
    for name, slopes in (("sigmoid", 0), ("relu", 0), ("prelu", 32 + 64 + 100)):
        network = programs.fresh(name, 0)
        assert programs.parameters(network) == first + second + full + slopes
        assert network(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


def test_the_same_seed_gives_all_the_same_first_weights():
    one, other = programs.fresh("sigmoid", 3), programs.fresh("relu", 3)
    assert torch.equal(one[0].weight, other[0].weight)
    assert not torch.equal(one[0].weight, programs.fresh("sigmoid", 4)[0].weight)


def test_how_long_until_a_level():
    quick, slow = (
        Curve(np.array([2, 4]), np.array([0.7, 0.9])),
        Curve(np.array([2, 4]), np.array([0.1, 0.2])),
    )
    curves = {"relu": quick, "tanh": quick, "sigmoid": slow}
    rows = programs.speed(curves, 0.8)
    assert [row.verdict for row in rows] == ["same", "different"]
    assert "more than 512" in rows[0].ours
    assert "ReLU 512" in rows[0].ours


def test_variants_that_cannot_be_told_apart_get_no_verdict():
    names = ("relu", "leaky_relu", "prelu", "rrelu", "elu")
    row = programs.variants(dict.fromkeys(names, 0.02), 9, 1_000)
    assert row.verdict == "not reachable here"
    apart = dict(zip(names, (0.4, 0.5, 0.3, 0.2, 0.1), strict=True))
    assert programs.variants(apart, 9, 1_000).verdict == "same"
    apart["relu"] = 0.6
    assert programs.variants(apart, 9, 1_000).verdict == "different"


@pytest.mark.filterwarnings("error")
def test_it_runs(monkeypatch):
    monkeypatch.setattr(programs, "opened", lambda name: spots(30))
    monkeypatch.setattr(programs, "QUICK", 3)
    found = programs.run(quick=True, seed=0)
    assert all(row.said and row.ours for row in found.rows)
    assert [row.verdict for row in found.rows[:2]] == ["same", "same"]
    assert [len(panel.lines) for panel in found.panels] == [3, 5]
