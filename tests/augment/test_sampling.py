"""The warp beside loops in float64, on random shapes and maps."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from striate.augment import Spread, affine_matrices, sampling_grid, warp
from striate.augment.sampling import warped

WILD = Spread(mirror=0.5, rotation=180, zoom=0.7, stretch=0.5, shear=30, shift=0.5)


def reference(
    image: NDArray, matrix: NDArray, size: tuple[int, int], k: float, displacement: NDArray
) -> NDArray:
    """One image (C, H, W) through its map, a pixel at a time."""
    channels, height, width = image.shape
    result = np.empty((channels, *size))
    for i in range(size[0]):
        for j in range(size[1]):
            x, y = (2 * j + 1) / size[1] - 1, (2 * i + 1) / size[0] - 1
            factor = 1 + k * (x * x + y * y)
            p = matrix[:, :2] @ [x * factor, y * factor] + matrix[:, 2] + displacement[i, j]
            column = min(max((p[0] + 1) * width / 2 - 0.5, 0), width - 1)
            row = min(max((p[1] + 1) * height / 2 - 0.5, 0), height - 1)
            left, top = math.floor(column), math.floor(row)
            right, low = min(left + 1, width - 1), min(top + 1, height - 1)
            u, v = column - left, row - top
            upper = (1 - u) * image[:, top, left] + u * image[:, top, right]
            lower = (1 - u) * image[:, low, left] + u * image[:, low, right]
            result[:, i, j] = (1 - v) * upper + v * lower
    return result


@given(
    n=st.integers(1, 3), c=st.sampled_from([1, 3]), h=st.integers(1, 9), w=st.integers(1, 9),
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)), k=st.floats(-0.3, 0.3),
    last=st.booleans(), seed=st.integers(0, 999),
)  # fmt: skip
def test_every_pixel_is_that_of_the_loops(
    n: int, c: int, h: int, w: int, size: tuple[int, int], k: float, last: bool, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    shape = (n, h, w, c) if last else (n, c, h, w)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    images = images.permute(0, 3, 1, 2) if last else images
    matrices = affine_matrices(WILD, n, generator, aspect=w / h)
    moved = 0.1 * torch.randn(n, *size, 2, generator=generator)
    lens = torch.full((n,), k)
    views = warp(images, matrices, size=size, lens=lens, displacement=moved, antialias=False)
    expected = [
        reference(*one, size, k, d)
        for *one, d in zip(images.double().numpy(), matrices.double().numpy(),
                           moved.double().numpy(), strict=True)
    ]  # fmt: skip
    np.testing.assert_allclose(views.numpy(), np.stack(expected), atol=2e-2)


@given(h=st.integers(1, 9), w=st.integers(1, 9), seed=st.integers(0, 999))
def test_the_grid_is_that_of_torch(h: int, w: int, seed: int) -> None:
    matrices = affine_matrices(WILD, 2, torch.Generator().manual_seed(seed))
    theirs = F.affine_grid(matrices, [2, 1, h, w], align_corners=False)
    torch.testing.assert_close(sampling_grid(matrices, (h, w)), theirs, rtol=0, atol=1e-5)


def test_a_lens_by_pencil() -> None:
    # k = 0.5: the middle of the right side (x = 2/3 of three pixels) is read at x (1 + 4/9 / 2).
    identity = torch.eye(2, 3)[None]
    grid = sampling_grid(identity, (3, 3), lens=torch.tensor([0.5]))
    assert grid[0, 1, 2].tolist() == pytest.approx([2 / 3 * (1 + 2 / 9), 0])
    assert grid[0, 0, 0].tolist() == pytest.approx([-2 / 3 * (1 + 4 / 9)] * 2)
    assert grid[0, 1, 1].tolist() == [0, 0]


def test_the_lens_comes_before_the_map() -> None:
    matrices, lens = torch.tensor([[[0.5, 0, 0.25], [0, 2, 0]]]), torch.tensor([0.5])
    grid = sampling_grid(matrices, (3, 3), lens)
    bent = sampling_grid(torch.eye(2, 3)[None], (3, 3), lens)
    expected = bent * torch.tensor([0.5, 2]) + torch.tensor([0.25, 0])
    torch.testing.assert_close(grid, expected)


def test_gradients_reach_the_images_and_the_maps() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(2, 1, 5, 4, dtype=torch.float64, generator=generator)
    matrices = affine_matrices(WILD, 2, generator).double()

    def work(images: Tensor, matrices: Tensor) -> Tensor:
        return warp(images, matrices, size=(3, 2))

    assert torch.autograd.gradcheck(work, (images.requires_grad_(), matrices))
    fixed = lambda m: warp(images.detach(), m, size=(3, 2), antialias=False)
    assert torch.autograd.gradcheck(fixed, (matrices.requires_grad_(),))


def test_what_is_given_is_not_written_to() -> None:
    images = torch.rand(2, 3, 16, 16)
    before = images.clone()
    warp(images, torch.eye(2, 3).expand(2, 2, 3), size=(6, 10))
    assert torch.equal(images, before)


def test_images_that_shrink_differently_share_a_batch() -> None:
    images = torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8)
    scales = torch.tensor([0.5, 1.0, 1.7, 6.0])
    matrices = scales[:, None, None] * torch.eye(2, 3)
    for batch in (images, images.contiguous(memory_format=torch.channels_last)):
        together = warp(batch, matrices)
        for one in range(4):
            alone = warp(batch[one : one + 1], matrices[one : one + 1])
            torch.testing.assert_close(together[one : one + 1], alone, rtol=0, atol=1e-3)


@pytest.mark.parametrize("together", [1, 2, 100])
def test_blocks_are_the_whole(together: int) -> None:
    scales = torch.tensor([3.0, 1.0, 1.3, 3.0, 1.0])  # two levels of shrinking, in turns
    images, matrices = torch.rand(5, 3, 12, 12), scales[:, None, None] * torch.eye(2, 3)
    numbers = {"lens": torch.linspace(0, 0.2, 5), "displacement": torch.rand(5, 12, 12, 2) / 9}
    seen = torch.zeros_like(images)
    for rows, views in warped(images, matrices, together=together, **numbers):
        assert len(views) <= together
        seen[rows] += views
    assert torch.equal(seen, warp(images, matrices, **numbers))
    assert torch.equal(seen[3], warp(images[3:4], matrices[3:4], lens=numbers["lens"][3:4],
                                     displacement=numbers["displacement"][3:4])[0])  # fmt: skip
