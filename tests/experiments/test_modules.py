"""Modules one at a time: sizes and dropout's rules by pencil, verdicts, and a short run."""

import numpy as np
import pytest
import torch
from tests.experiments.pictures import spots

from striate.experiments import modules


@pytest.mark.parametrize("form", modules.FORMS, ids=lambda form: form.title)
def test_overlapping_windows_leave_the_sizes(form):
    network = modules.network(form)
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    flat = 48 * modules.sides(form)[-1] ** 2
    assert flat == (48 if form is modules.UNPADDED else 768)
    parameters = sum(each.numel() for each in network.parameters())
    convolutions = (75 * 16 + 16) + (400 * 32 + 32) + (288 * 48 + 48)
    assert parameters == convolutions + (flat + 1) * 128 + 129 * 128 + 129 * 10


def test_the_geometric_mean_of_all_networks_is_the_one_with_halved_weights():
    assert modules.single_layer(0).verdict == "same"
    logits = torch.tensor([[[0.0, 0.0]], [[np.log(16.0), 0.0]]])  # 1/2, 1/2 and 16/17, 1/17
    assert modules.geometric_mean(logits)[0].tolist() == pytest.approx([0.8, 0.2])  # 4 to 1


def test_a_gain_counts_where_pictures_and_seeds_agree():
    better, worse = np.ones((2, 100)), np.ones((2, 100))
    assert modules.gain("w", "s", better, worse).verdict == "not reachable here"
    worse[:, :20] = 0
    row = modules.gain("w", "s", better, worse)
    assert row.verdict == "same"
    assert "+20.0" in row.ours
    assert modules.gain("w", "s", worse, better).verdict == "different"
    better[0], worse[0] = 0.7, 0.8  # one seed says the contrary
    assert modules.gain("w", "s", better, worse).verdict == "not reachable here"


def test_it_runs(monkeypatch):
    monkeypatch.setattr(modules, "opened", lambda name: spots(30, size=32, color=True))
    monkeypatch.setattr(modules, "MANY", (1, 2))
    monkeypatch.setattr(modules, "SAMPLES", (1, 2))
    found = modules.run(quick=True, seed=0)
    assert all(row.said and row.ours for row in found.rows)
    assert [len(panel.lines) for panel in found.panels] == [6, 2, 2]
