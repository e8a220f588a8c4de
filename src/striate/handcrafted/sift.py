"""Dense SIFT (Lowe 2004, Section 6): the 128 numbers of a patch, on a grid, for a batch of images.

On a grid, with no rotation, everything Lowe does is separable: smoothing, derivative, the bilinear
share of a pixel between bins and the Gaussian window are each a product of something in x and
something in y. So one small matrix a side holds them all, and the descriptors of an image are

    maps    = the gradient of `rows · image · columnsᵀ`, shared among 8 orientations
    numbers = rows · maps · columnsᵀ, a row of the matrix for every (grid point, bin)

two matrix products instead of a loop over patches, exact rather than "flat window".
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from math import pi

import torch
from torch import Tensor
from torch.nn import functional as F

from striate.errors import ModelError
from striate.handcrafted.banded import Banded

BINS, ORIENTATIONS = 4, 8  # 4 x 4 histograms of 8 orientations each: 128 numbers (Figure 7)
WINDOW = 2.0  # sigma of the Gaussian window in bins: half the descriptor's width (Section 6.1)
LARGEST = 0.2  # no number of the unit vector is larger than this, against lighting (Section 6.1)
MAGNIFICATION = 3.0  # bin width over keypoint scale, as in every implementation since Lowe's own
CAMERA_BLUR = 0.5  # sigma that an image has already when it arrives (Section 3.3)
ROUNDING = 1e-5  # a slope below this share of the largest value is arithmetic, not an image
PIXELS_AT_ONCE = 2**16  # of all images worked on together: their maps then stay in the cache


@dataclass(frozen=True)
class DenseSIFT:
    """What was read at the grid points of every image."""

    descriptors: Tensor  # (N, P, 128) row of bins, column of bins, orientation; unit length or zero
    positions: Tensor  # (P, 2) x y of the center in [0, 1], 0 and 1 being the image's outer edges
    contrast: Tensor  # (N, P) slope, in values a pixel, of the ramp that is as strong; 0 is flat


def dense_sift(
    images: Tensor, *, step: int, bin_size: int | tuple[int, ...], root: bool = False
) -> DenseSIFT:
    """Upright SIFT on a regular grid, at one scale or several, finest first.

    Args:
        images: (N, 1, H, W) float; any range, only `contrast` depends on it.
        step: pixels between two grid points.
        bin_size: width in pixels of one of the 4 x 4 bins. The image is first smoothed to the
            scale at which Lowe would use such bins, bin_size / 3.
        root: RootSIFT (Arandjelovic & Zisserman 2012): the square root of the L1-normalized
            numbers, so that Euclidean distance becomes the Hellinger kernel.

    Raises:
        ModelError: if an image is smaller than the window of 4 x 4 bins.
    """
    if images.ndim != 4 or images.shape[1] != 1:
        raise ModelError(f"dense SIFT reads gray images (N, 1, H, W), not {tuple(images.shape)}")
    sizes = (bin_size,) if isinstance(bin_size, int) else bin_size
    height, width = images.shape[2:]
    places = [positions(height, width, step=step, bin_size=size) for size in sizes]
    points = [len(place) for place in places]
    descriptors = images.new_empty(len(images), sum(points), BINS * BINS * ORIENTATIONS)
    contrast = images.new_empty(len(images), sum(points))
    at_once = max(PIXELS_AT_ONCE // (height * width), 1)
    for start in range(0, len(images), at_once):
        rows = slice(start, start + at_once)
        some = images[rows, 0]
        flat = ROUNDING * some.abs().amax((1, 2)).unsqueeze(1)
        for size, end in zip(sizes, accumulate(points), strict=True):
            found = histograms(some, step=step, bin_size=size)  # (n, p, 128)
            columns = slice(end - found.shape[1], end)
            lengths = found.norm(dim=-1)
            slopes = lengths / ramp(height, width, step=step, bin_size=size)
            slopes = torch.where(slopes > flat, slopes, 0)
            normalize(found, lengths * (slopes > 0), root=root, out=descriptors[rows, columns])
            contrast[rows, columns] = slopes
    return DenseSIFT(descriptors, torch.cat(places).to(images), contrast)


def histograms(images: Tensor, *, step: int, bin_size: int) -> Tensor:
    """The numbers (N, P, 128) of gray images (N, H, W) before they are normalized."""
    count, height, width = images.shape
    maps = orientation_maps(*gradients(images, sigma=bin_size / MAGNIFICATION))
    halves = pools(width, step, bin_size, maps.dtype, maps.device).across(maps.flatten(0, 1))
    pooled = pools(height, step, bin_size, maps.dtype, maps.device).down(halves)
    rows, columns = pooled.shape[1] // BINS, pooled.shape[2] // BINS
    # two steps, each of which copies well: orientations last, then the bins of a window together
    last = pooled.reshape(ORIENTATIONS, -1).T.contiguous()
    grouped = last.reshape(count, rows, BINS, columns, BINS * ORIENTATIONS).transpose(2, 3)
    return grouped.reshape(count, rows * columns, BINS * BINS * ORIENTATIONS)


def positions(height: int, width: int, *, step: int, bin_size: int) -> Tensor:
    """The centers (P, 2) x y of all windows, row by row, in [0, 1]."""
    y, x = (
        (torch.tensor(grid(side, step=step, bin_size=bin_size)) + 0.5) / side
        for side in (height, width)
    )
    return torch.cartesian_prod(y, x).flip(1)


def grid(side: int, *, step: int, bin_size: int) -> list[int]:
    """The pixels at which windows of 4 bins are centered: all that fit inside, in the middle.

    >>> grid(24, step=3, bin_size=4)
    [8, 11, 14]
    """
    reach = BINS * bin_size // 2
    spare = side - 1 - 2 * reach
    if spare < 0 or step < 1 or bin_size < 1:
        raise ModelError(
            f"a SIFT window of 4 bins of {bin_size} pixels every {step} does not fit an image side "
            f"of {side}; take bins of {max((side - 1) // 4, 1)} or smaller"
        )
    start = reach + spare % step // 2
    return list(range(start, side - reach, step))


@lru_cache(maxsize=64)
def pooling(side: int, step: int, bin_size: int) -> Tensor:
    """(grid points · 4, side): what each pixel of a line gives to each bin of each grid point.

    The share falls off linearly from the bin's center to the next one's, times the window.
    """
    centers = torch.tensor(grid(side, step=step, bin_size=bin_size), dtype=torch.float64)
    pixels = torch.arange(side, dtype=torch.float64)
    middles = (torch.arange(BINS) - (BINS - 1) / 2) * bin_size  # of the bins, from the center
    away = pixels - centers[:, None, None]  # (points, 1, side)
    share = (1 - (away - middles[:, None]).abs() / bin_size).clamp(min=0)
    window = torch.exp(-0.5 * (away / (WINDOW * bin_size)) ** 2)
    return (share * window).reshape(-1, side)


@lru_cache(maxsize=64)
def pools(side: int, step: int, bin_size: int, dtype: torch.dtype, device: torch.device) -> Banded:
    """`pooling` without its zeros."""
    return Banded.of(pooling(side, step, bin_size), rows=6 * BINS, dtype=dtype, device=device)


def smoothing(side: int, sigma: float) -> Tensor:
    """(side, side): a Gaussian of `sigma` pixels along a line whose border pixels go on forever."""
    reach = max(int(4 * sigma + 0.5), 1)
    offsets = torch.arange(-reach, reach + 1)
    weights = torch.exp(-0.5 * (offsets.double() / sigma) ** 2) if sigma > 0 else offsets == 0
    sources = (torch.arange(side)[:, None] + offsets).clamp(0, side - 1)
    matrix = torch.zeros(side, side, dtype=torch.float64)
    matrix.scatter_add_(1, sources, (weights / weights.sum()).double().expand(side, -1))
    return matrix


@lru_cache(maxsize=64)
def blurs(side: int, sigma: float, dtype: torch.dtype, device: torch.device) -> Banded:
    """`smoothing` without its zeros."""
    return Banded.of(smoothing(side, sigma), rows=32, dtype=dtype, device=device)


def gradients(images: Tensor, *, sigma: float) -> tuple[Tensor, Tensor]:
    """Central differences in x and y (N, H, W), the images (N, H, W) first smoothed to `sigma`."""
    blur = max(sigma**2 - CAMERA_BLUR**2, 0.0) ** 0.5
    rows, columns = (blurs(side, blur, images.dtype, images.device) for side in images.shape[1:])
    smooth = F.pad(rows.down(columns.across(images)), (1, 1, 1, 1), mode="replicate")
    return (
        smooth[:, 1:-1, 2:] - smooth[:, 1:-1, :-2],
        smooth[:, 2:, 1:-1] - smooth[:, :-2, 1:-1],
    )


def orientation_maps(x: Tensor, y: Tensor) -> Tensor:
    """(8, N, H, W): gradient magnitude, shared linearly between the two nearest orientations.

    Orientation 0 points to +x and 2 to +y, down the image.
    """
    size = (x * x).addcmul_(y, y).sqrt_()
    turn = torch.atan2(y, x).mul_(ORIENTATIONS / (2 * pi)).mul_(size)  # in [-4, 4] times size
    centers = size.new_tensor([0, 1, 2, 3, 4, -3, -2, -1]).reshape(-1, 1, 1, 1)
    apart = torch.addcmul(turn, size, centers, value=-1).abs_()
    torch.sub(4 * size, turn.abs(), out=apart[4])  # the one orientation that is both +4 and -4
    return torch.sub(size, apart, out=apart).clamp_(min=0)


def normalize(numbers: Tensor, lengths: Tensor, *, root: bool, out: Tensor) -> None:
    """Unit length, nothing above 0.2, unit length again, written to `out`; `numbers` are used up.

    Args:
        numbers: (..., 128).
        lengths: (...) of the numbers; 0 makes the descriptor 0.
        root: take the square root of the L1-normalized numbers instead of the second unit length.
    """
    torch.minimum(numbers, LARGEST * lengths.unsqueeze(-1), out=numbers)  # as if divided before
    total = numbers.sum(-1) if root else numbers.norm(dim=-1)
    torch.mul(numbers, torch.where(total > 0, 1 / total, 0).unsqueeze(-1), out=out)
    if root:
        out.sqrt_()


@lru_cache(maxsize=64)
def ramp(height: int, width: int, *, step: int, bin_size: int) -> float:
    """The length of the 128 numbers where brightness rises by 1 a pixel (the difference is 2)."""
    sums = [pooling(side, step, bin_size)[:BINS].sum(1) for side in (height, width)]
    return 2 * float(sums[0].norm() * sums[1].norm())
