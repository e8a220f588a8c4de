"""The networks have the size of LeNet-5, and their errors are told beside the paper's."""

import numpy as np
import pytest
import torch

from striate.data.catalog import open_named
from striate.experiments import lenet_mnist
from striate.experiments.lenet_mnist import OLD_PIXELS, WAYS, batch_norm_net, row, sheet


def test_sizes_and_rates_are_the_papers():
    counts = [sum(p.numel() for p in way.network().parameters()) for way in WAYS]
    assert counts[0] == 60_000
    assert counts[2] == sum(p.numel() for p in batch_norm_net().parameters())
    assert abs(counts[2] / 60_000 - 1) < 0.05
    ends = OLD_PIXELS(torch.tensor([0, 255], dtype=torch.uint8).view(1, 1, 1, 2))
    assert ends.flatten().tolist() == pytest.approx([-0.1, 1.175])
    rates = [5, 5, 2, 2, 2, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, *[0.1] * 8]  # Section III.C
    steps = dict(lenet_mnist.OLD.steps)
    share = [max((at for at in steps if at <= n / 20 + 1e-9), default=0) for n in range(20)]
    assert [5 * steps.get(at, 1) for at in share] == pytest.approx(rates)


def test_verdicts():
    assert row("w", "0.95 %", 1.0, np.array([1.1, 0.8]), False).verdict == "same"
    worse = row("w", "0.95 %", 1.0, np.array([1.3, 1.1]), False)
    assert worse.ours == "1.20 % +- 0.14"
    assert worse.verdict == "different"


def test_it_runs_on_few_digits(monkeypatch):
    data = open_named("digits", seed=0)
    pixels = np.zeros((len(data), 28, 28, 1), np.uint8)
    pixels[:, 6:22, 6:22, 0] = data.inputs.array.repeat(2, 1).repeat(2, 2)  # type: ignore[attr-defined]
    monkeypatch.setattr(lenet_mnist, "pictured", lambda name: (data, pixels))
    monkeypatch.setattr(lenet_mnist, "QUICK", 128)
    found = lenet_mnist.run(True, 0)
    assert len(found.rows) == 2 * len(WAYS)
    assert all(row.ours.endswith(" %") for row in found.rows)


def test_mistaken_digits_lie_side_by_side():
    digits = np.full((11, 28, 28, 1), 255, np.uint8)
    pixels = sheet(digits).pixels
    assert pixels.shape == (60, 300)
    assert (pixels[1:29, 1:29] == 0).all()
    assert (pixels[31:, 31:] == 255).all()
