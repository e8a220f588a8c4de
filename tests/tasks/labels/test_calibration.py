"""Temperatures by pencil, by grid, and where the logits leave nothing to choose."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from striate.tasks.labels.calibration import KEPT, ROUNDING, Calibration


def drawn(seed: int, count: int, classes: int, *, scale: float = 3.0) -> tuple[Tensor, Tensor]:
    """Logits that know something of their targets."""
    generator = torch.Generator().manual_seed(seed)
    targets = torch.randint(classes, (count,), generator=generator)
    noise = torch.randn(count, classes, generator=generator)
    return scale * (noise + 1.5 * F.one_hot(targets, classes)), targets


def cost(logits: Tensor, targets: Tensor, temperature: float) -> float:
    """Cross-entropy by the definition, with a share of 1 / (N + 2) of each target spread evenly."""
    count, classes = logits.shape
    total = 0.0
    for row, target in zip(logits.double().tolist(), targets.tolist(), strict=True):
        scaled = [value / temperature for value in row]
        whole = max(scaled) + math.log(sum(math.exp(v - max(scaled)) for v in scaled))
        for k, value in enumerate(scaled):
            share = (k == target) * (1 - 1 / (count + 2)) + 1 / (count + 2) / classes
            total += share * (whole - value)
    return total / count


def test_two_logits_by_pencil() -> None:
    # 98 images with a lead of 2, 74 of them right. One hundredth of each target is spread, so the
    # best probability of the leading class is p = 0.99 * 74/98 + 0.005, and sigmoid(2 / T) = p.
    logits = torch.tensor([[2.0, 0.0]]).repeat(98, 1)
    targets = torch.tensor([0] * 74 + [1] * 24)
    p = 0.99 * 74 / 98 + 0.005
    fitted = Calibration.fitted(logits, targets)
    assert fitted.temperature == pytest.approx(2 / math.log(p / (1 - p)), rel=1e-5)
    assert fitted(logits)[0, 0].item() == pytest.approx(p, abs=1e-6)


@pytest.mark.parametrize("scale", [0.2, 3.0, 40.0])
def test_minimum_of_a_grid(scale: float) -> None:
    logits, targets = drawn(1, 60, 4, scale=scale)
    grid = 2.0 ** np.linspace(-7, 7, 1401)
    best = min(grid, key=lambda t: cost(logits, targets, float(t)))
    assert Calibration.fitted(logits, targets).temperature == pytest.approx(best, rel=0.01)


@given(st.integers(0, 10_000), st.integers(2, 40), st.integers(2, 6))
def test_order_of_classes_stays(seed: int, count: int, classes: int) -> None:
    logits, targets = drawn(seed, count, classes)
    probabilities = Calibration.fitted(logits, targets)(logits)
    assert torch.equal(probabilities.argsort(1), logits.argsort(1))
    assert torch.allclose(probabilities.sum(1), torch.ones(count))


@given(st.integers(0, 10_000), st.integers(1, 70))
def test_threshold_keeps_most_of_validation(seed: int, count: int) -> None:
    logits, targets = drawn(seed, count, 3)
    fitted = Calibration.fitted(logits, targets)
    kept = fitted(logits).amax(1) >= fitted.threshold
    assert kept.float().mean() >= KEPT


def test_threshold_refuses_some() -> None:
    logits, targets = drawn(0, 200, 3)
    fitted = Calibration.fitted(logits, targets)
    assert (fitted(logits).amax(1) < fitted.threshold).sum() >= 8  # of the 10 that it may refuse


def test_equal_images_are_all_kept() -> None:
    # The threshold is computed in float64 and compared with float32: it must leave room for that.
    for lead in np.linspace(0.1, 5, 50):
        logits = torch.tensor([[lead, 0.0, 0.3]], dtype=torch.float32).repeat(9, 1)
        fitted = Calibration.fitted(logits, torch.tensor([0, 0, 0, 0, 0, 1, 0, 0, 2]))
        assert bool((fitted(logits).amax(1) >= fitted.threshold).all())


def test_all_right_is_not_certain() -> None:
    # Ten clear, right answers: as if the next had an even chance of one wrong in twelve.
    logits = 20 * torch.eye(3)[[0, 1, 2, 0, 1, 2, 0, 1, 2, 0]]
    fitted = Calibration.fitted(logits, logits.argmax(1))
    wrong = 1 - fitted(logits).amax(1)
    assert torch.allclose(wrong, torch.tensor(2 / 3 / 12), atol=1e-5)


def test_saturated_logits_end_at_the_bound() -> None:
    logits = 1e9 * torch.eye(3)[[0, 1, 2, 0]]
    fitted = Calibration.fitted(logits, torch.tensor([0, 1, 2, 0]))
    assert fitted.temperature == pytest.approx(128, rel=1e-4)
    assert torch.isfinite(fitted(logits)).all()
    assert fitted.threshold == pytest.approx(1 - ROUNDING)


@pytest.mark.parametrize(
    ("temperature", "threshold"), [(0.0, 0), (-1.0, 0), (math.inf, 0), (math.nan, 0), (1, 1.1)]
)
def test_impossible_values(temperature: float, threshold: float) -> None:
    with pytest.raises(ValueError, match="temperature must be above 0"):
        Calibration(temperature, threshold)
