"""Selective search (Uijlings, van de Sande, Gevers & Smeulders 2013, IJCV 104): boxes in which
there may be something, of whatever kind.

A picture is cut into small even pieces (Felzenszwalb & Huttenlocher 2004); the two neighbors most
alike are joined, again and again, until one region is left (Algorithm 1). The box of every region
on the way is a proposal. Several color spaces, likenesses and sizes of pieces see different things.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from striate.errors import MissingExtra

Reals = NDArray[np.float64]
Whole = NDArray[np.int64]

COLOR_BINS = 25  # of each channel (Section 3.2)
TEXTURE_BINS = 10  # of each channel and direction
DIRECTIONS = 8
SIGMA = 0.8  # of the Gaussian before the picture is cut into pieces


@dataclass(frozen=True)
class Strategies:
    """Every combination is one run of the grouping (Section 3.3).

    Attributes:
        colors: "hsv", "lab" or "rgb".
        likenesses: sums of C (color), T (texture), S (size) and F (fill), as "CTSF".
        scales: k, by which pieces grow before they are told apart; also the fewest pixels of one.
        side: of the longer side of the picture that is searched, in pixels (R-CNN, Section 2.5).
    """

    colors: tuple[str, ...] = ("hsv", "lab")
    likenesses: tuple[str, ...] = ("CTSF", "TSF")
    scales: tuple[int, ...] = (50, 100)
    side: int = 500


FAST = Strategies()  # Table 5


def selective_search(
    pixels: NDArray[np.uint8], *, strategies: Strategies = FAST, most: int = 2000, seed: int = 0
) -> NDArray[np.float32]:
    """Boxes that may hold something, those that are likelier to first.

    A region's place in the order is its place in its hierarchy, the whole picture at 1, times a
    random number (Section 3.4): else the large ones would always come first. Of several strategies
    that found one box, the best place counts.

    Args:
        pixels: (H, W, 3) RGB, of any size.
        most: how many boxes at most.

    Returns:
        (K, 4) x0 y0 x1 y1 in pixels of the picture, no two the same.

    Raises:
        MissingExtra: if scikit-image is not installed.
    """
    from PIL import Image

    height, width = pixels.shape[:2]
    scale = strategies.side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    image = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))
    random = np.random.default_rng(seed)
    boxes, order = [], []
    for color in strategies.colors:
        channels = in_colors(image, color)
        texture = texture_of(channels)
        for k in strategies.scales:
            labels = pieces(channels, k)
            regions, pairs = described(labels, channels, texture), neighbors(labels)
            for likeness in strategies.likenesses:
                found = grouped(regions, pairs, likeness).boxes[::-1]  # the whole picture first
                boxes.append(found)
                order.append(random.random(len(found)) * np.arange(1, len(found) + 1))
    ranked = np.concatenate(boxes)[np.argsort(np.concatenate(order), kind="stable")]
    _, first = np.unique(ranked, axis=0, return_index=True)
    factors = np.array([width / size[0], height / size[1]] * 2)
    return (ranked[np.sort(first)[:most]] * factors).astype(np.float32)


def in_colors(image: NDArray[np.uint8], color: str) -> Reals:
    """(H, W, 3) RGB to (H, W, 3) of that color space, each channel in [0, 1]."""
    try:
        from skimage.color import rgb2hsv, rgb2lab
    except ImportError as error:
        raise MissingExtra("selective search", "detection") from error
    if color == "hsv":
        return rgb2hsv(image)
    if color == "lab":
        return (rgb2lab(image) + np.array([0.0, 128.0, 128.0])) / [100.0, 255.0, 255.0]
    if color == "rgb":
        return image / 255.0
    raise ValueError(f"a color space is hsv, lab or rgb, not {color!r}")


def pieces(channels: Reals, k: int) -> Whole:
    """(H, W) the number of the piece that each pixel is in, from 0, none left out."""
    try:
        from skimage.segmentation import felzenszwalb
    except ImportError as error:
        raise MissingExtra("selective search", "detection") from error
    return felzenszwalb(channels, scale=k, sigma=SIGMA, min_size=k).astype(np.int64)


def texture_of(channels: Reals) -> NDArray[np.int64]:
    """(H, W, 3) to (3 * DIRECTIONS, H, W): in which bin each slope is, from 0 to TEXTURE_BINS - 1.

    A slope is a channel's Gaussian derivative (sigma 1) in one of eight directions, where it rises;
    the bins reach up to the channel's steepest one.
    """
    from scipy.ndimage import gaussian_filter

    angles = 2 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    bins = np.empty((channels.shape[2], DIRECTIONS, *channels.shape[:2]), np.int64)
    for channel, plane in enumerate(np.moveaxis(channels, 2, 0)):
        down, right = (gaussian_filter(plane, 1.0, order=o) for o in ((1, 0), (0, 1)))
        steepest = max(float(np.hypot(down, right).max()), 1e-9)
        for direction, angle in enumerate(angles):
            slope = (np.cos(angle) * right + np.sin(angle) * down) / steepest
            bins[channel, direction] = np.clip(slope * TEXTURE_BINS, 0, TEXTURE_BINS - 1)
    return bins.reshape(-1, *channels.shape[:2])


@dataclass(frozen=True, eq=False)
class Regions:
    """N regions of a picture.

    Attributes:
        sizes: (N,) pixels.
        boxes: (N, 4) x0 y0 x1 y1, edges.
        color, texture: (N, D) histograms, each row with the sum 1.
        pixels: of the picture.
    """

    sizes: Reals
    boxes: Whole
    color: Reals
    texture: Reals
    pixels: int


def described(labels: Whole, channels: Reals, texture: NDArray[np.int64]) -> Regions:
    """The regions of `labels`, with histograms of `channels`, in [0, 1], and of bins `texture`."""
    from scipy.ndimage import find_objects

    flat, count = labels.ravel(), int(labels.max()) + 1
    sizes = np.bincount(flat, minlength=count).astype(np.float64)
    slices = find_objects(labels + 1)
    boxes = [[x.start, y.start, x.stop, y.stop] for y, x in slices]
    bins = np.clip(channels * COLOR_BINS, 0, COLOR_BINS - 1).astype(np.int64)
    color = histograms(flat, count, np.moveaxis(bins, 2, 0), COLOR_BINS)
    return Regions(
        sizes, np.array(boxes), color, histograms(flat, count, texture, TEXTURE_BINS), labels.size
    )


def histograms(flat: Whole, count: int, planes: NDArray[np.int64], bins: int) -> Reals:
    """(count, planes * bins): how often each bin of each plane occurs in a region; sum 1."""
    parts = [
        np.bincount(flat * bins + plane.ravel(), minlength=count * bins).reshape(count, bins)
        for plane in planes
    ]
    table = np.concatenate(parts, 1).astype(np.float64)
    return table / table.sum(1, keepdims=True)


def neighbors(labels: Whole) -> Whole:
    """(E, 2) the pairs of regions that share an edge of a pixel, each once, the smaller first."""
    sides = [(labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:])]
    pairs = np.concatenate([np.stack([a.ravel(), b.ravel()], 1) for a, b in sides])
    pairs = np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1)
    count = int(labels.max()) + 1
    keys = np.unique(pairs[:, 0] * count + pairs[:, 1])
    return np.stack([keys // count, keys % count], 1)


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """What grouping N regions gave.

    Attributes:
        boxes: (2N - 1, 4): of the N regions, then of what was joined, in order.
        joined: (N - 1, 2) which two, numbered as `boxes`.
        likeness: (N - 1,) of those two.
    """

    boxes: Whole
    joined: Whole
    likeness: Reals


def grouped(regions: Regions, pairs: Whole, likeness: str) -> Hierarchy:
    """Joins the two neighbors most alike until one is left (Algorithm 1).

    A likeness is the sum of those named (Section 3.2): of C and T, what two histograms share; of S,
    the share of the picture that the two do not cover; of F, the share of the picture that is not
    a hole in the box around both. The histogram of what was joined is the mean of the two,
    weighted by their sizes.
    """
    count, picture = len(regions.sizes), float(regions.pixels)
    known = (("C", regions.color), ("T", regions.texture))
    tables = [table for name, table in known if name in likeness]
    histogram = np.zeros((2 * count - 1, sum(table.shape[1] for table in tables)))
    histogram[:count] = np.concatenate([*tables, np.empty((count, 0))], 1)
    # Of single regions plain numbers are quicker than arrays.
    sizes, boxes = regions.sizes.tolist(), regions.boxes.tolist()
    small, filled = float("S" in likeness), float("F" in likeness)

    def placed(a: int, b: int) -> float:
        """What of the likeness of two regions their sizes and places make."""
        size, (x0, y0, x1, y1) = sizes[a] + sizes[b], around(boxes[a], boxes[b])
        hole = (x1 - x0) * (y1 - y0) - size
        return small * (1 - size / picture) + filled * (1 - hole / picture)

    touching: list[set[int]] = [set() for _ in range(2 * count - 1)]
    shared = np.minimum(histogram[pairs[:, 0]], histogram[pairs[:, 1]]).sum(1).tolist()
    heap = []
    for value, (a, b) in zip(shared, pairs.tolist(), strict=True):
        touching[a].add(b)
        touching[b].add(a)
        heap.append((-value - placed(a, b), a, b))
    heapq.heapify(heap)
    alive = [True] * count + [False] * (count - 1)
    joined, likenesses = np.empty((count - 1, 2), np.int64), np.empty(count - 1)
    for new in range(count, 2 * count - 1):
        value, a, b = heapq.heappop(heap)
        while not (alive[a] and alive[b]):
            value, a, b = heapq.heappop(heap)
        joined[new - count], likenesses[new - count] = (a, b), -value
        alive[a], alive[b], alive[new] = False, False, True
        sizes.append(sizes[a] + sizes[b])
        boxes.append(around(boxes[a], boxes[b]))
        histogram[new] = (sizes[a] * histogram[a] + sizes[b] * histogram[b]) / sizes[new]
        touching[new] = (touching[a] | touching[b]) - {a, b}
        others = sorted(touching[new])
        shared = np.minimum(histogram[new], histogram[others]).sum(1).tolist() if others else []
        for value, other in zip(shared, others, strict=True):
            touching[other] -= {a, b}
            touching[other].add(new)
            heapq.heappush(heap, (-value - placed(other, new), other, new))
    return Hierarchy(np.array(boxes), joined, likenesses)


def around(a: Sequence[int], b: Sequence[int]) -> list[int]:
    """The box around two boxes."""
    return [min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])]
