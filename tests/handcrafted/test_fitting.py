"""Learning visual words: real digits, the choices, and that weights fold back exactly."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from striate.handcrafted import fitting
from striate.handcrafted.coding import mapped
from striate.handcrafted.fitting import Span, fit
from striate.handcrafted.words import SMALL, Settings

QUICK = Settings(side=24, step=3, bin_sizes=(3,), words=32, neighbors=3, levels=((1, 1), (2, 2)))


def digits(side: int, count: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Handwritten digits (count, side, side, 1), enlarged, and what they are."""
    found = load_digits()
    small = torch.from_numpy(found.images[:count])[:, None] * (255 / 16)
    large = torch.nn.functional.interpolate(small, (side, side), mode="bilinear")
    return large.round().byte().permute(0, 2, 3, 1).numpy(), found.target[:count]


def test_digits_are_told_apart() -> None:
    images, targets = digits(SMALL.side, 800)
    cuts = slice(0, 400), slice(400, 600), slice(600, 800)
    parts = [(images[cut], targets[cut]) for cut in cuts]
    model, report = fit(*parts[0], *parts[1], classes=10, settings=SMALL, mappings=("linear",))
    with torch.no_grad():
        margins = model(torch.from_numpy(parts[2][0]).permute(0, 3, 1, 2).float())
    assert float((margins.argmax(1).numpy() == parts[2][1]).mean()) >= 0.95
    assert report.best.validation == max(trial.validation for trial in report.trials)


def test_the_model_is_the_best_trial() -> None:
    images, targets = digits(24, 300)
    model, report = fit(
        images[:200], targets[:200], images[200:], targets[200:], classes=10, settings=QUICK,
        mappings=("hellinger", "chi2"), costs=(0.01, 1.0), mirror=False,
    )  # fmt: skip
    assert [(t.mapping, t.mirrored, t.cost) for t in report.trials] == [
        ("hellinger", False, 0.01), ("hellinger", False, 1.0),
        ("chi2", False, 0.01), ("chi2", False, 1.0),
    ]  # fmt: skip
    assert model.settings.mapping == report.best.mapping
    with torch.no_grad():
        margins = model(torch.from_numpy(images[200:]).permute(0, 3, 1, 2).float())
    right = float((margins.argmax(1).numpy() == targets[200:]).mean())
    assert right == pytest.approx(report.best.validation, abs=0.011)  # codes were kept as halves


def test_mirror_images_are_tried_and_refused_where_left_and_right_differ() -> None:
    images, targets = digits(24, 300)
    _, report = fit(
        images[:200], targets[:200], images[200:], targets[200:], classes=10, settings=QUICK
    )
    tried = [trial.validation for trial in report.trials if trial.mirrored]
    assert len(tried) == 6
    assert not report.best.mirrored
    assert report.best.validation > max(tried)


@pytest.mark.parametrize("images_to_choose", [22, 14])
def test_mirror_images_are_learned_from(
    images_to_choose: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stripes lean left in training and right in validation: 14 or 45 degrees from upright."""
    monkeypatch.setattr("striate.handcrafted.fitting.IMAGES_TO_CHOOSE", images_to_choose)
    rows, columns = np.mgrid[:24, :24]
    images = [
        ((columns * 4 + rows * slope + shift) % 32 < 16) * 255
        for slope in (1, 4)
        for shift in range(0, 32, 3)
    ]
    left = np.stack(images)[..., None].astype(np.uint8)
    targets = np.repeat([0, 1], 11)
    _, report = fit(left, targets, left[:, :, ::-1].copy(), targets, classes=2, settings=QUICK)
    assert report.trials[0].validation < 1
    assert max(trial.validation for trial in report.trials if trial.mirrored) == 1
    assert report.trials[-1].mirrored
    assert report.trials[-1].validation == 1


def test_the_same_seed_gives_the_same_model() -> None:
    images, targets = digits(24, 120)
    halves = images[:60], targets[:60], images[60:], targets[60:]
    first, second, other = (
        fit(*halves, classes=10, settings=QUICK, seed=seed)[0].state_dict() for seed in (4, 4, 5)
    )
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["dictionary"], other["dictionary"])


@pytest.mark.parametrize("mapping", ["linear", "hellinger", "chi2"])
def test_coordinates_and_weights_in_the_span_give_the_same_margins(mapping: str) -> None:
    pooled = torch.rand(12, 50)
    span, coordinates = Span.of(pooled, mapping, generator=torch.Generator())
    torch.testing.assert_close(span.coordinates(pooled), coordinates)
    vectors = mapped(pooled, mapping)
    # products are kept by the change of coordinates, up to the ridge
    torch.testing.assert_close(
        coordinates @ coordinates.T, vectors @ vectors.T, atol=1e-3, rtol=1e-3
    )
    inside = torch.randn(3, 13)
    weights = span.weights(inside)
    new = torch.rand(5, 50)
    margins = span.coordinates(new) @ inside[:, :-1].T + inside[:, -1]
    torch.testing.assert_close(
        mapped(new, mapping) @ weights[:, :-1].T + weights[:, -1], margins, atol=2e-3, rtol=2e-3
    )


def test_repeated_images_do_no_harm() -> None:
    pooled = torch.rand(6, 50).repeat(2, 1)
    _, coordinates = Span.of(pooled, "linear", generator=torch.Generator())
    torch.testing.assert_close(coordinates[:6], coordinates[6:], atol=1e-3, rtol=0)


def test_more_images_than_landmarks_and_than_are_needed_to_choose(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("striate.handcrafted.fitting.LANDMARKS", 120)
    monkeypatch.setattr("striate.handcrafted.fitting.IMAGES_TO_CHOOSE", 40)
    images, targets = digits(24, 300)
    _, report = fit(
        images[:200], targets[:200], images[200:], targets[200:], classes=10, settings=QUICK,
        costs=(0.1, 1.0),
    )  # fmt: skip
    *tried, last = report.trials
    assert len(tried) == 2 * 4  # three maps and mirror images
    chosen = max(tried, key=lambda trial: trial.validation)
    assert (last.mapping, last.cost, last.mirrored) == (chosen.mapping, chosen.cost, False)
    assert last is report.best
    assert last.validation > chosen.validation  # it learned from all


def test_work_by_pencil(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "IMAGES_TO_CHOOSE", 10)
    monkeypatch.setattr(fitting, "LANDMARKS", 8)
    # three maps on 10 of 20 images, the third of vectors three times as long, then it once on all
    work = fitting.Work.of(20, 5, width=100, mirror=False)
    one = 15 * 8 * (100 + 4) + 8**3 / 6
    three = 15 * 8 * (300 + 4) + 8**3 / 6
    last = 25 * 8 * (300 + 4) + 8**3 / 6
    assert work.products == pytest.approx(2 * one + three + last)
    assert work.read == 50 * (6 * 3 * 10 * 8 + 20 * 8)
    mirrored = fitting.Work.of(6, 5, width=100, mirror=True)  # 6 landmarks, 8 with their mirrors
    assert mirrored.read == 50 * 6 * (3 * 6 * 6 + 12 * 8)
