"""What is varied, as one value."""

import json
from dataclasses import asdict
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate.augment import NONE, Augmentation, Spread, affine_matrices, augmentation, warp
from striate.augment.sampling import warped

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

    def counted(images: torch.Tensor, matrices: torch.Tensor, **rest: Any) -> Any:
        calls.append(len(matrices))
        return warped(images, matrices, **rest)

    monkeypatch.setattr(augmentation, "warped", counted)
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


RICH = Augmentation(
    Spread(mirror=0.5, rotation=10, crop=(0.3, 1.0), lens=0.1, elastic=0.03),
    brightness=0.2, hue=10, principal=0.1, size=12,
)  # fmt: skip


def test_json_and_back() -> None:
    assert Augmentation.from_json(json.loads(json.dumps(asdict(RICH)))) == RICH


def test_an_older_file_has_fewer_values() -> None:
    geometry = {"mirror": 0.5, "rotation": 8, "zoom": 0, "stretch": 0, "shear": 0, "shift": 0.1}
    older = {"geometry": geometry, "brightness": 0.1, "contrast": 0.0, "saturation": 0.0}
    expected = Augmentation(Spread(mirror=0.5, rotation=8, shift=0.1), brightness=0.1)
    assert Augmentation.from_json(older) == expected


@pytest.mark.parametrize("together", [1, 300, 10**9])
def test_how_many_are_worked_on_at_a_time_changes_nothing(
    together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = torch.randint(0, 256, (7, 20, 16, 3), dtype=torch.uint8).permute(0, 3, 1, 2)
    expected = RICH(images, torch.Generator().manual_seed(1))
    assert expected.shape == (7, 3, 12, 12)
    monkeypatch.setattr(augmentation, "TOGETHER", together)
    views = RICH(images.contiguous(), torch.Generator().manual_seed(1))
    torch.testing.assert_close(views, expected, rtol=0, atol=1e-2)


def test_a_size_alone_is_a_resize() -> None:
    images = torch.rand(2, 3, 8, 8) * 255
    means = torch.nn.functional.avg_pool2d(images, 2)
    views = Augmentation(size=4)(images)
    assert (views - means).abs().mean() < (images[:, :, ::2, ::2] - means).abs().mean() / 2


@pytest.mark.parametrize("of", [NONE, FULL, RICH])
def test_normalized_views_are_views_normalized(of: Augmentation) -> None:
    images = torch.randint(0, 256, (3, 3, 16, 16), dtype=torch.uint8)
    mean, std = (120.0, 110.0, 100.0), (60.0, 50.0, 40.0)
    plain = of(images, torch.Generator().manual_seed(2))
    views = of(images, torch.Generator().manual_seed(2), mean=mean, std=std)
    expected = (plain - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    torch.testing.assert_close(views, expected, rtol=0, atol=1e-4)


def test_gradients_pass() -> None:
    images = (torch.rand(2, 3, 16, 16) * 255).requires_grad_()
    RICH(images).sum().backward()
    assert images.grad is not None
    assert images.grad.abs().sum() > 0


def test_no_images_have_no_views() -> None:
    assert RICH(torch.zeros(0, 3, 16, 16, dtype=torch.uint8)).shape == (0, 3, 12, 12)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_shows_the_same_views() -> None:
    images = torch.randint(0, 256, (6, 3, 40, 40), dtype=torch.uint8)
    here = RICH(images, torch.Generator().manual_seed(1))
    there = RICH(images.cuda(), torch.Generator().manual_seed(1))
    assert there.is_cuda
    torch.testing.assert_close(there.cpu(), here, rtol=0, atol=0.1)
