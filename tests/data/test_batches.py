"""Batches: each image once an epoch, and the same batches again after an interruption."""

from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate.data.batches import Batches, Pending, Views

PIXELS = np.arange(10 * 2 * 3 * 3, dtype=np.uint8).reshape(10, 2, 3, 3)
TARGETS = np.arange(10) % 3


def rows(batches: Batches, count: int) -> list[list[int]]:
    return [batch.indices.tolist() for batch in islice(batches, count)]


def test_a_batch_holds_the_images_of_its_rows():
    batch = next(iter(Batches(PIXELS, TARGETS, size=4, seed=0)))
    assert batch.images.shape == (4, 3, 2, 3)
    assert (batch.images.dtype, batch.targets.dtype) == (torch.uint8, torch.int64)
    assert batch.images.is_contiguous(memory_format=torch.channels_last)  # nothing is moved
    for image, target, row in zip(batch.images, batch.targets, batch.indices, strict=True):
        np.testing.assert_array_equal(image.numpy(), PIXELS[row].transpose(2, 0, 1))
        assert target == TARGETS[row]


@given(st.integers(1, 30), st.integers(1, 12), st.integers(-5, 2**70))
def test_every_epoch_has_every_image_once_in_batches_as_equal_as_can_be(count, size, seed):
    batches = Batches(np.zeros((count, 1, 1, 1), np.uint8), np.zeros(count), size=size, seed=seed)
    steps = batches.steps_per_epoch
    assert (steps - 1) * size < count <= steps * size
    for epoch in range(2):
        parts = rows(batches, 2 * steps)[epoch * steps : (epoch + 1) * steps]
        assert sorted(row for part in parts for row in part) == list(range(count))
        sizes = {len(part) for part in parts}
        assert max(sizes) <= size
        assert max(sizes) - min(sizes) <= 1


@given(st.integers(0, 40))
def test_going_on_at_a_step_sees_the_same_batches(start):
    whole = Batches(PIXELS, TARGETS, size=3, seed=7)
    rest = Batches(PIXELS, TARGETS, size=3, seed=7, start=start)
    assert rows(rest, 6) == rows(whole, start + 6)[start:]


@given(st.sets(st.integers(0, 9), min_size=1), st.integers(1, 5))
def test_some_rows_of_all(chosen, size):
    """As the rows taken out beforehand would be, but named by their place among all."""
    some = np.array(sorted(chosen))
    among = Batches(PIXELS, TARGETS, size=size, seed=3, rows=some)
    apart = Batches(PIXELS[some], TARGETS[some], size=size, seed=3)
    for one, other in islice(zip(among, apart, strict=False), 5):
        assert torch.equal(one.images, other.images)
        assert torch.equal(one.targets, other.targets)
        assert one.indices.tolist() == some[other.indices.numpy()].tolist()


@pytest.mark.parametrize("pixels", [PIXELS, PIXELS[:, ::-1], PIXELS.astype(np.float16)])
def test_whatever_the_layout_and_type(pixels):
    batch = next(iter(Batches(pixels, TARGETS, size=4, seed=0)))
    expected = pixels[batch.indices.numpy()].transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(batch.images.numpy(), expected)


def test_orders_differ_between_epochs_and_seeds():
    batches = Batches(PIXELS, TARGETS, size=5, seed=0)
    assert batches.steps_per_epoch == 2
    assert rows(batches, 2) != rows(batches, 4)[2:]
    assert rows(batches, 2) != rows(Batches(PIXELS, TARGETS, size=5, seed=1), 2)
    assert rows(batches, 2) == rows(batches, 2)


def test_the_global_random_state_is_left_alone():
    torch.manual_seed(3)
    first = rows(Batches(PIXELS, TARGETS, size=4, seed=0), 3)
    torch.manual_seed(4)
    np.random.seed(4)
    assert rows(Batches(PIXELS, TARGETS, size=4, seed=0), 3) == first


@pytest.mark.parametrize(
    "settings",
    [{"size": 0}, {"start": -1}, {"targets": TARGETS[:3]}, {"pixels": PIXELS[:0]}, {"rows": []}],
)
def test_settings_that_mean_nothing_are_refused(settings):
    known = {"pixels": PIXELS, "targets": TARGETS, "size": 2, "seed": 0} | settings
    pixels, targets = known.pop("pixels"), known.pop("targets")
    with pytest.raises(ValueError, match=r"not|as many"):
        Batches(pixels, targets, **known)


def test_weights_say_how_often_each_is_drawn():
    """Seven of one class and three of another, each class half of what is drawn."""
    weights = np.where(np.arange(10) < 7, 1 / 7, 1 / 3)
    batches = Batches(PIXELS, TARGETS, size=10, seed=0, weights=weights)
    each = [np.bincount(batches.order(epoch), minlength=10) for epoch in range(400)]
    assert np.mean(each, 0) == pytest.approx(10 * weights / weights.sum(), abs=0.1)
    assert set(np.unique(each)) <= {0, 1, 2}  # 5/7 and 5/3, rounded up or down
    assert batches.order(3).tolist() == batches.order(3).tolist()


def test_a_part_of_what_is_pending_is_computed_alone():
    asked = []

    def compute(low: int, high: int) -> torch.Tensor:
        asked.append((low, high))
        return torch.ones(high - low, 2) @ torch.full((2, 1), float(low))

    targets = torch.arange(7)
    batch = Views(Pending(compute, 7, torch.device("cpu")), targets, targets + 10)
    _, second, _ = batch.parts(3)
    assert not asked
    last = second.parts(2)[1]
    assert (len(batch), len(second), last.targets.tolist(), last.indices.tolist()) == (
        7, 2, [4], [14]
    )  # fmt: skip
    with torch.autocast("cpu", torch.bfloat16):
        assert last.images.dtype == torch.float32  # views are no products of a network
    assert last.images.tolist() == [[8.0]]
    assert asked == [(4, 5)]
