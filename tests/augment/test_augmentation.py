"""What is varied, as one value."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate.augment import NONE, Augmentation, Spread, affine_matrices, augmentation, warp

FULL = Augmentation(Spread(0.5, 10, 0.1, 0.1, 5, 0.1), brightness=0.2, contrast=0.2, saturation=0.2)


def test_none_changes_nothing_and_draws_nothing() -> None:
    images = torch.randint(0, 256, (2, 3, 4, 4), dtype=torch.uint8)
    state = torch.get_rng_state()
    assert torch.equal(NONE(images), images.float())
    assert torch.equal(torch.get_rng_state(), state)


def test_the_same_generator_gives_the_same_views() -> None:
    images = torch.randint(0, 256, (4, 3, 8, 8), dtype=torch.uint8)
    state = torch.get_rng_state()
    one, two, three = (FULL(images, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, two)
    assert not torch.equal(one, three)
    assert torch.equal(torch.get_rng_state(), state)  # a generator of one's own


def test_images_of_a_batch_differ() -> None:
    image = torch.randint(0, 256, (1, 3, 8, 8), dtype=torch.uint8)
    views = FULL(image.expand(3, 3, 8, 8), torch.Generator().manual_seed(1))
    assert not torch.equal(views[0], views[1])


def test_geometry_alone_is_the_warp() -> None:
    images, spread = torch.rand(3, 1, 6, 6) * 255, Spread(rotation=30)
    expected = warp(images, affine_matrices(spread, 3, torch.Generator().manual_seed(4)))
    assert torch.equal(Augmentation(spread)(images, torch.Generator().manual_seed(4)), expected)


def test_all_geometry_is_one_warp(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def counted(images: torch.Tensor, matrices: torch.Tensor, **rest: Any) -> torch.Tensor:
        calls.append(len(matrices))
        return warp(images, matrices, **rest)

    monkeypatch.setattr(augmentation, "warp", counted)
    FULL(torch.zeros(5, 3, 4, 4))
    assert calls == [5]


@given(
    n=st.integers(1, 3), c=st.sampled_from([1, 3]), h=st.integers(1, 9), w=st.integers(1, 9),
    kind=st.sampled_from([torch.uint8, torch.float32, torch.float64]),
)  # fmt: skip
def test_shape_type_and_range(n: int, c: int, h: int, w: int, kind: torch.dtype) -> None:
    views = FULL((torch.rand(n, c, h, w) * 255).to(kind))
    assert views.shape == (n, c, h, w)
    assert views.dtype == torch.float32
    assert views.min() >= 0
    assert views.max() <= 255
