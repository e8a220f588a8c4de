"""Known or none of these: angles by pencil, and the share that is kept."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from striate.errors import ModelError
from striate.tasks.classification.familiarity import Familiarity, some_of_each
from striate.tasks.classification.predictor import Classifier
from striate.tasks.labels.calibration import KEPT

BAG = "visual words"
Make = Callable[[str], Classifier]


def test_two_classes_by_pencil() -> None:
    features = torch.tensor([[2.0, 0.0], [5.0, 0.0], [0.0, 3.0]])
    held_out = torch.tensor([[1.0, 1.0], [3.0, 4.0]])  # cosines 0.7071 and 0.8
    ours = Familiarity.fitted(features, torch.tensor([0, 0, 1]), held_out)
    assert torch.equal(ours.directions, torch.eye(2))
    assert ours.threshold == pytest.approx(0.5**0.5 - 1e-4, abs=1e-6)
    assert torch.allclose(ours(torch.tensor([[-1.0, 0.0], [0.0, 9.0]])), torch.tensor([0.0, 1.0]))


def test_length_does_not_matter() -> None:
    ours = Familiarity(torch.eye(3), 0.2)
    features = torch.randn(5, 3)
    assert torch.allclose(ours(features), ours(features * 40), atol=1e-6)


@given(st.integers(0, 10_000), st.integers(1, 90))
def test_threshold_keeps_most_of_validation(seed: int, count: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(30, 6, generator=generator)
    held_out = torch.randn(count, 6, generator=generator)
    ours = Familiarity.fitted(features, torch.arange(30) % 3, held_out)
    assert (ours(held_out) >= ours.threshold).float().mean() >= KEPT


@pytest.mark.parametrize("name", ["lenet5", "efficientnet_lite0", BAG])
def test_a_predictor_that_knows_what_it_learned_from(
    name: str, make: Make, pixels: NDArray[np.uint8]
) -> None:
    plain = make(name)
    seen = np.stack([plain.prepare(picture) for picture in pixels])
    targets = np.arange(7, dtype=np.int64) % 3
    ours = plain.familiar(seen, targets, np.arange(7), np.arange(7))
    assert ours.familiarity is not None
    probabilities, known = ours.answers(seen)
    np.testing.assert_allclose(probabilities, plain.answers(seen)[0], atol=1e-6)
    near = ours.familiarity(torch.from_numpy(plain.features(list(seen)))).numpy()
    np.testing.assert_array_equal(known, near >= ours.familiarity.threshold)
    assert known.all()
    strict = replace(ours, familiarity=replace(ours.familiarity, threshold=float(np.median(near))))
    assert strict.answers(seen)[1].sum() in (3, 4)


def test_what_is_too_wide_stays_as_it_is(
    make: Make, pixels: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("striate.tasks.classification.predictor.WIDEST", 83)  # LeNet-5 reads 84
    plain = make("lenet5")
    seen = np.stack([plain.prepare(picture) for picture in pixels])
    targets = np.arange(7, dtype=np.int64) % 3
    assert plain.familiar(seen, targets, np.arange(7), np.arange(7)) is plain


def test_some_of_each() -> None:
    targets = np.array([0] * 9000 + [1] * 5 + [3] * 900)
    rows = some_of_each(targets)
    assert np.bincount(targets[rows]).tolist() == [643, 5, 0, 450]  # 9000 / 14, 5, -, 900 / 2


def test_a_class_without_pictures_is_near_to_nothing() -> None:
    ours = Familiarity.fitted(torch.eye(2), torch.tensor([0, 2]), torch.eye(2), classes=4)
    assert ours.directions.tolist() == [[1, 0], [0, 0], [0, 1], [0, 0]]


def test_values_that_do_not_fit(make: Make, pixels: NDArray[np.uint8]) -> None:
    for directions, threshold in (
        (torch.zeros(3), 0.5),
        (torch.eye(3), 1.5),
        (torch.eye(3), np.nan),
    ):
        with pytest.raises(ValueError, match="directions must be"):
            Familiarity(directions, threshold)
    wrong = replace(make("lenet5"), familiarity=Familiarity(torch.eye(3), 0.5))
    with pytest.raises(ModelError, match=r"reads 84 features, .* have 3"):
        wrong.answers(pixels)
