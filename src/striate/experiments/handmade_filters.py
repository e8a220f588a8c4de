"""Filters that people designed on a photograph, beside the first filters that a network learned:
Sobel's operator, Robinson's compass (1977), HOG (Dalal & Triggs 2005), SIFT (Lowe 2004)."""

from math import cos, pi, sin

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

import striate
from striate.experiments.result import Picture, Result, Row
from striate.handcrafted import Edges, KeyPoints, hog, key_points, matches, robinson, sobel
from striate.handcrafted.gradients import compass_masks
from striate.visualize import filters

PHOTOGRAPH = "china.jpg"  # comes with scikit-learn
WIDTH = 320  # pixels
NETWORK = "efficientnet_lite0"
STEEP = 0.9  # share of the pixels that are flatter than those whose direction is compared
NEAR = 2.0  # pixels, within which a key point counts as found again
AGAIN = 0.9  # share of key points, from which the picture's turn counts as without effect
LIKE = 0.8  # cosine, from which a filter counts as a compass mask
TIMES = 3  # as often as a random filter, from which that counts as learned
RANDOM = 10_000  # filters
Pixels = NDArray[np.uint8]


def photograph() -> NDArray[np.uint8]:
    """(H, W) gray."""
    from sklearn.datasets import load_sample_image

    image = Image.fromarray(load_sample_image(PHOTOGRAPH)).convert("L")
    size = (WIDTH, round(image.height * WIDTH / image.width))
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS))


def run(quick: bool, seed: int) -> Result:
    """All of it takes seconds; there is no shorter form."""
    image = photograph()
    gray = torch.from_numpy(image.copy()).float()[None, None]
    edges, compass = sobel(gray), robinson(gray)
    points = key_points(image)
    model = striate.create(NETWORK, weights="imagenet")
    learned = torch.from_numpy(filters(model, "stem"))
    rows = [*masks(edges, compass), *sizes(points), turned(image, points), first(learned, seed)]
    pictures = [
        Picture("photograph", image),
        Picture("Sobel: how steep", stretched(edges.magnitude[0, 0])),
        Picture("Robinson: how steep", stretched(compass.magnitude[0, 0])),
        Picture("Robinson: which way, as a color", hues(compass)),
        Picture("HOG", strokes(gray)),
        Picture(f"SIFT: {len(points):,} key points", circles(image, points)),
        Picture(f"first filters of {NETWORK}", tiles(learned)),
    ]
    return Result(rows, pictures)


def masks(edges: Edges, compass: Edges) -> list[Row]:
    """The compass, and how it agrees with Sobel's operator."""
    found = compass_masks()
    ring = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)]
    around = torch.stack([found[:, row, column] for row, column in ring], 1)
    turns = sum(
        torch.equal(around[(mask + 1) % 8], around[mask].roll(1)) for mask in range(len(found))
    )
    magnitude = edges.magnitude
    steep = magnitude > magnitude.flatten().quantile(STEEP)
    apart = (edges.direction - compass.direction + pi).remainder(2 * pi) - pi
    close = float((apart.abs()[steep] <= pi / 8 + 1e-4).double().mean())
    return [
        Row("Robinson's masks, each the last one turned by 45°", "8", str(turns),
            "same" if turns == len(found) == 8 else "different"),
        Row(
            "steep pixels at which Sobel's direction is the compass's, within 22.5°",
            "on straight edges all", f"{100 * close:.1f} %",
            "same" if close >= AGAIN else "different",
            f"counted so from {100 * AGAIN:.0f} % on; corners and lines have no one direction",
        ),
    ]  # fmt: skip


def sizes(points: KeyPoints) -> list[Row]:
    """Numbers that the papers fix."""
    window = hog(torch.rand(1, 1, 128, 64)).numel()
    width = points.descriptors.shape[1]
    return [
        Row("HOG of a window of 64 x 128 pixels: numbers", "3,780", f"{window:,}",
            "same" if window == 3_780 else "different"),
        Row("SIFT: numbers of a key point", "128", str(width),
            "same" if width == 128 else "different"),
    ]  # fmt: skip


def turned(image: Pixels, points: KeyPoints) -> Row:
    """Whether the key points are found again in the picture turned by 90°."""
    again = key_points(np.ascontiguousarray(np.rot90(image, -1)))
    pairs = matches(points.descriptors, again.descriptors)
    x, y = points.positions[pairs[:, 0]].T
    places = np.stack([image.shape[0] - 1 - y, x], 1)
    near = np.linalg.norm(again.positions[pairs[:, 1]] - places, axis=1) < NEAR
    share = float(near.sum()) / max(len(points), 1)
    return Row(
        "key points matched at the right place in the photograph turned by 90°",
        "descriptors do not change with rotation", f"{100 * share:.1f} % of {len(points):,}",
        "same" if share >= AGAIN else "different",
        f"counted so from {100 * AGAIN:.0f} % on"
        if share >= AGAIN
        else "places that look alike, a roof's tiles, are no clear match",
    )  # fmt: skip


def first(learned: Tensor, seed: int) -> Row:
    """How many of the learned filters (K, 3, 3, 3) are edges as people draw them."""
    generator = torch.Generator().manual_seed(seed)
    random = torch.randn(RANDOM, *learned.shape[1:], generator=generator)
    ours, chance = (float((alike(some) >= LIKE).double().mean()) for some in (learned, random))
    same = ours >= TIMES * chance
    return Row(
        f"first filters of {NETWORK}: like a compass mask (cosine {LIKE:g} or more)",
        "many are edges (Krizhevsky et al. 2012, Figure 3)",
        f"{100 * ours:.0f} % of {len(learned)}; of random filters {100 * chance:.0f} %",
        "same" if same else "different",
        f"counted so from {TIMES} times chance on"
        if same
        else "these have 3 x 3 pixels, the paper's 11 x 11",
    )  # fmt: skip


def alike(some: Tensor) -> Tensor:
    """(K,) the largest cosine of filters (K, 3, 3, 3), summed over colors, with a compass mask.

    >>> float(alike(compass_masks()[:1, None].expand(1, 3, 3, 3)))
    1.0
    """
    flat = torch.nn.functional.normalize(some.sum(1).flatten(1))
    units = torch.nn.functional.normalize(compass_masks().flatten(1))
    return (flat @ units.T).amax(1).clamp(max=1)


def stretched(values: Tensor) -> Pixels:
    """(H, W) bytes, white at the largest but one in a hundred."""
    high = float(values.flatten()[:100_000].quantile(0.99)) or 1.0
    return (255 * (values / high).clamp(0, 1)).byte().numpy()


def hues(compass: Edges) -> Pixels:
    """(H, W, 3): the direction as a color, as bright as it is steep."""
    hue = (compass.direction[0, 0] / (2 * pi) * 255).byte().numpy()
    bright = stretched(compass.magnitude[0, 0])
    full = np.full_like(hue, 255)
    return np.asarray(Image.fromarray(np.stack([hue, full, bright], 2), "HSV").convert("RGB"))


def strokes(gray: Tensor, side: int = 16) -> Pixels:
    """HOG of (1, 1, H, W), a star a cell: a stroke along the edge for each orientation."""
    cells = hog(gray)[0, :, :, 0, 0]  # (rows, columns, 9)
    rows, columns, bins = cells.shape
    page = Image.new("L", (columns * side, rows * side))
    draw = ImageDraw.Draw(page)
    for row in range(rows):
        for column in range(columns):
            x, y = (column + 0.5) * side, (row + 0.5) * side
            for place in cells[row, column].argsort().tolist():
                angle = (place + 0.5) * pi / bins + pi / 2  # edges lie across their gradient
                dx, dy = cos(angle) * side / 2, sin(angle) * side / 2
                value = min(255, int(600 * float(cells[row, column, place])))
                draw.line((x - dx, y - dy, x + dx, y + dy), fill=value)
    return np.asarray(page)


def circles(image: Pixels, points: KeyPoints, larger: int = 2) -> Pixels:
    """Each key point as a circle of its scale, with its direction."""
    page = Image.fromarray(image).convert("RGB")
    page = page.resize((larger * page.width, larger * page.height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(page)
    for (x, y), scale, turn in zip(
        larger * (points.positions + 0.5), points.scales, points.directions, strict=True
    ):
        radius = 3 * larger * scale / 2
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=(255, 220, 0))
        draw.line((x, y, x + radius * cos(turn), y + radius * sin(turn)), fill=(255, 60, 0))
    return np.asarray(page)


def tiles(learned: Tensor, across: int = 8) -> Pixels:
    """Filters (K, 3, n, n) in color side by side, each stretched to all values."""
    low, high = learned.amin((1, 2, 3), keepdim=True), learned.amax((1, 2, 3), keepdim=True)
    shown = (255 * (learned - low) / (high - low).clamp(min=1e-9)).byte()
    shown = torch.nn.functional.pad(shown, (0, 1, 0, 1), value=128)
    rows = -(-len(shown) // across)
    page = shown.new_full((rows * across, *shown.shape[1:]), 128)
    page[: len(shown)] = shown
    grid = page.reshape(rows, across, 3, *shown.shape[2:]).permute(0, 3, 1, 4, 2)
    return grid.reshape(rows * shown.shape[2], across * shown.shape[3], 3).numpy()
