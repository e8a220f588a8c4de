"""Selective search: our grouping beside one written as loops, the whole search beside OpenCV's.

    python benchmarks/selective_search.py [--quick] [--json]

The loop keeps every region as a dictionary and looks through all pairs of neighbors for the two
most alike, as the paper's Algorithm 1 is written. Both join the same pieces.
OpenCV's search (`opencv-contrib-python-headless`, module ximgproc) is compiled C++; on either side
there is one color space, scale and likeness. The last
row shows what of all eight strategies goes into scikit-image's segmentation.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from _rows import Row, absent, main, paired, peer_module
from PIL import Image

from striate.handcrafted.selective_search import (
    Regions,
    Strategies,
    described,
    grouped,
    in_colors,
    neighbors,
    pieces,
    selective_search,
    texture_of,
)

SCENE, SCALES = (480, 640), (100, 50, 20)


def loop(regions: Regions, pairs: np.ndarray) -> list[tuple[int, int]]:
    """Which two are joined, in order: Algorithm 1 with color, texture, size and fill."""
    parts: dict[int, dict[str, Any]] = {
        number: {"histogram": np.concatenate([color, texture]), "size": size, "box": box}
        for number, (color, texture, size, box) in enumerate(
            zip(regions.color, regions.texture, regions.sizes, regions.boxes, strict=True)
        )
    }

    def alike(a: int, b: int) -> float:
        one, other = parts[a], parts[b]
        size = one["size"] + other["size"]
        low = np.minimum(one["box"][:2], other["box"][:2])
        high = np.maximum(one["box"][2:], other["box"][2:])
        shared = np.minimum(one["histogram"], other["histogram"]).sum()
        hole = (high - low).prod() - size
        return float(shared + ((1 - size / regions.pixels) + (1 - hole / regions.pixels)))

    values = {(a, b): alike(a, b) for a, b in pairs.tolist()}
    joined = []
    for new in range(len(parts), 2 * len(parts) - 1):
        a, b = max(values, key=lambda pair: values[pair])
        one, other = parts[a], parts[b]
        size = one["size"] + other["size"]
        low = np.minimum(one["box"][:2], other["box"][:2])
        high = np.maximum(one["box"][2:], other["box"][2:])
        mixed = (one["size"] * one["histogram"] + other["size"] * other["histogram"]) / size
        parts[new] = {"histogram": mixed, "size": size, "box": np.concatenate([low, high])}
        joined.append((a, b))
        around = {n for pair in values if a in pair or b in pair for n in pair} - {a, b}
        values = {pair: v for pair, v in values.items() if a not in pair and b not in pair}
        values |= {(n, new): alike(n, new) for n in around}
    return joined


def scene(height: int = 480, width: int = 640) -> np.ndarray:
    """Discs of many colors on a shaded ground, with noise."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:height, :width]
    picture = np.stack([150 + 60 * x / width, 140 + 60 * y / height, 0 * x + 170.0], 2)
    for _ in range(40):
        cx, cy, radius = (
            random.integers(0, width),
            random.integers(0, height),
            random.integers(12, 60),
        )
        picture[(x - cx) ** 2 + (y - cy) ** 2 < radius**2] = random.integers(40, 220, 3)
    return (picture + random.normal(0, 6, picture.shape)).clip(0, 255).astype(np.uint8)


def opencv(image: np.ndarray) -> Any:
    """OpenCV's search with a single strategy; ImportError where it is not installed."""
    cv2 = peer_module("cv2")
    if not hasattr(cv2, "ximgproc"):
        raise ImportError("cv2 has no ximgproc; opencv-contrib-python-headless does")
    search = cv2.ximgproc.segmentation.createSelectiveSearchSegmentation()
    search.setBaseImage(image)
    search.switchToSingleStrategy(100, 0.8)
    return search


def measure(quick: bool) -> Iterator[Row]:
    rounds = 3 if quick else 7
    channels = in_colors(scene(*SCENE), "lab")
    texture = texture_of(channels)
    for k in SCALES:
        labels = pieces(channels, k)
        regions, pairs = described(labels, channels, texture), neighbors(labels)
        assert len(grouped(regions, pairs, "CTSF").joined) == len(loop(regions, pairs))
        yield paired(
            f"grouping of {len(regions.sizes)} pieces",
            lambda regions=regions, pairs=pairs: grouped(regions, pairs, "CTSF"),
            lambda regions=regions, pairs=pairs: loop(regions, pairs),
            peer="loop", rounds=rounds,
        )  # fmt: skip
    image = np.asarray(Image.fromarray(scene(*SCENE)).resize((320, 240), Image.Resampling.BILINEAR))
    one = Strategies(colors=("hsv",), likenesses=("CTSF",), scales=(100,), side=320)
    case, peer = "search, one strategy, 320 x 240", "OpenCV (C++)"
    try:
        theirs = opencv(image)
    except ImportError as error:
        yield absent(case, "ms", peer, error)
    else:
        yield paired(case, lambda: selective_search(image, strategies=one), theirs.process,
                     peer=peer, rounds=rounds)  # fmt: skip
    fast = Strategies(side=320)
    yield paired(
        "search, eight strategies, 320 x 240",
        lambda: selective_search(image, strategies=fast),
        lambda: [pieces(in_colors(image, color), k) for color in fast.colors for k in fast.scales],
        peer="its segmentations alone", rounds=rounds,
    )  # fmt: skip


if __name__ == "__main__":
    main(measure, __doc__)
