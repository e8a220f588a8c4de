"""Selective search: likenesses by hand, the grouping beside one written as loops, real pictures."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate import data, images
from striate.errors import MissingExtra
from striate.handcrafted.selective_search import (
    Hierarchy,
    Regions,
    Strategies,
    described,
    grouped,
    histograms,
    in_colors,
    neighbors,
    pieces,
    selective_search,
    texture_of,
)

QUICK = Strategies(side=120, scales=(20,))


def plain_likeness(first: dict, second: dict, likeness: str, pixels: int) -> float:
    """Section 3.2, equations 1, 3, 5 and 6, as loops."""
    total = 0.0
    for name in "CT":
        if name in likeness:
            total += sum(min(a, b) for a, b in zip(first[name], second[name], strict=True))
    if "S" in likeness:
        total += 1 - (first["size"] + second["size"]) / pixels
    if "F" in likeness:
        x0, y0, x1, y1 = around(first["box"], second["box"])
        total += 1 - ((x1 - x0) * (y1 - y0) - first["size"] - second["size"]) / pixels
    return total


def around(a: list[int], b: list[int]) -> list[int]:
    return [min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])]


def follow(regions: Regions, pairs: np.ndarray, likeness: str, done: Hierarchy) -> None:
    """Walks Algorithm 1 in loops: each pair that was joined is one of those most alike.

    It is not asked to be the very one that a loop would take: two pairs may be equally alike.
    """
    parts = {
        n: {
            "C": regions.color[n].tolist(), "T": regions.texture[n].tolist(),
            "size": float(regions.sizes[n]), "box": regions.boxes[n].tolist(),
        } for n in range(len(regions.sizes))
    }  # fmt: skip
    touching = {frozenset(pair) for pair in pairs.tolist()}
    for step, (a, b) in enumerate(done.joined.tolist()):
        values = {
            pair: plain_likeness(*(parts[n] for n in pair), likeness, regions.pixels)  # type: ignore[call-arg]
            for pair in touching
        }
        assert values[frozenset((a, b))] == pytest.approx(max(values.values()), abs=1e-9)
        assert done.likeness[step] == pytest.approx(max(values.values()), abs=1e-9)
        new, one, other = len(regions.sizes) + step, parts.pop(a), parts.pop(b)
        size = one["size"] + other["size"]
        parts[new] = {"size": size, "box": around(one["box"], other["box"])}
        for name in "CT":
            both = zip(one[name], other[name], strict=True)
            parts[new][name] = [(one["size"] * x + other["size"] * y) / size for x, y in both]
        assert done.boxes[new].tolist() == parts[new]["box"]
        renamed = {frozenset(new if n in (a, b) else n for n in pair) for pair in touching}
        touching = {pair for pair in renamed if len(pair) == 2}
    assert not touching


@given(
    height=st.integers(1, 12), width=st.integers(1, 12), count=st.integers(1, 9),
    likeness=st.sampled_from(["CTSF", "TSF", "CT", "S", "F", "C"]), seed=st.integers(0, 99),
)  # fmt: skip
def test_grouping_beside_loops(height, width, count, likeness, seed) -> None:
    random = np.random.default_rng(seed)
    labels = random.integers(0, count, (height, width))
    labels = np.unique(labels, return_inverse=True)[1].reshape(height, width)
    # every piece may lie in several places here, so that any pattern of neighbors comes up
    channels = random.random((height, width, 3))
    regions = described(labels, channels, texture_of(channels))
    pairs = neighbors(labels)
    follow(regions, pairs, likeness, grouped(regions, pairs, likeness))


def test_likenesses_by_hand() -> None:
    # Two pieces of 2 and 4 pixels in a picture of 20, in boxes 2 x 1 and 2 x 3, a row between them.
    regions = Regions(
        sizes=np.array([2.0, 4.0]),
        boxes=np.array([[0, 0, 2, 1], [0, 2, 2, 5]]),
        color=np.array([[0.5, 0.5, 0.0], [0.25, 0.25, 0.5]]),
        texture=np.array([[1.0, 0.0], [0.2, 0.8]]),
        pixels=20,
    )
    pairs = np.array([[0, 1]])
    expected = {"C": 0.5, "T": 0.2, "S": 1 - 6 / 20, "F": 1 - (10 - 6) / 20}
    for name, value in expected.items():
        assert grouped(regions, pairs, name).likeness[0] == pytest.approx(value)
    whole = grouped(regions, pairs, "CTSF")
    assert whole.likeness[0] == pytest.approx(sum(expected.values()))
    assert whole.boxes.tolist() == [[0, 0, 2, 1], [0, 2, 2, 5], [0, 0, 2, 5]]
    assert whole.joined.tolist() == [[0, 1]]


def test_histograms_by_hand() -> None:
    labels = np.array([0, 0, 1, 1])
    planes = np.array([[0, 1, 1, 1], [2, 2, 0, 1]])
    table = histograms(labels, 2, planes, 3)
    expected = [[0.25, 0.25, 0, 0, 0, 0.5], [0, 0.5, 0, 0.25, 0.25, 0]]
    assert table.tolist() == expected


def test_neighbors_by_hand() -> None:
    labels = np.array([[0, 0, 1], [2, 0, 1], [2, 3, 3]])
    assert neighbors(labels).tolist() == [[0, 1], [0, 2], [0, 3], [1, 3], [2, 3]]
    assert neighbors(np.zeros((2, 2), np.int64)).shape == (0, 2)


def test_texture_of_a_slope() -> None:
    # Brighter to the right, evenly: the whole slope at 0 degrees, cos 45 of it at 45 and 315.
    picture = np.repeat(np.linspace(0, 1, 31)[None, :, None], 31, 0).repeat(3, 2)
    bins = texture_of(picture)[:8, 15, 15]
    assert bins.tolist() == [9, 7, 0, 0, 0, 0, 0, 7]
    down = texture_of(picture.transpose(1, 0, 2))[:8, 15, 15]
    assert down.tolist() == [0, 7, 9, 7, 0, 0, 0, 0]


def test_sizes_of_the_paper() -> None:
    channels = np.random.default_rng(0).random((9, 9, 3))
    regions = described(np.zeros((9, 9), np.int64), channels, texture_of(channels))
    assert regions.color.shape == (1, 75)
    assert regions.texture.shape == (1, 240)


@pytest.mark.parametrize("color", ["hsv", "lab", "rgb"])
def test_colors_fill_the_unit_cube(color: str) -> None:
    corners = np.array(
        [[[r, g, b] for r in (0, 255) for g in (0, 255) for b in (0, 255)]], np.uint8
    )
    channels = in_colors(corners, color)
    assert channels.min() >= 0
    assert channels.max() <= 1
    with pytest.raises(ValueError, match="'cmyk'"):
        in_colors(corners, "cmyk")


def disc(height: int = 90, width: int = 120) -> np.ndarray:
    """A dark disc of 40 pixels on a light ground, around (50, 40), with a little noise."""
    y, x = np.mgrid[:height, :width]
    inside = ((x - 49.5) ** 2 + (y - 39.5) ** 2 < 20**2)[..., None]
    picture = np.where(inside, [120, 40, 90], [220, 210, 200])
    return (picture + np.random.default_rng(0).integers(0, 9, picture.shape)).astype(np.uint8)


def test_a_disc_is_found() -> None:
    boxes = selective_search(disc(), strategies=QUICK)
    assert np.abs(boxes - [30, 20, 70, 60]).max(1).min() <= 2
    assert len(np.unique(boxes, axis=0)) == len(boxes)
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2:] <= [120, 90]).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()


def test_order_and_number() -> None:
    boxes = selective_search(disc(), strategies=QUICK)
    np.testing.assert_array_equal(boxes, selective_search(disc(), strategies=QUICK))
    np.testing.assert_array_equal(boxes[:7], selective_search(disc(), strategies=QUICK, most=7))
    other = selective_search(disc(), strategies=QUICK, seed=1)
    assert {*map(tuple, other.tolist())} == {*map(tuple, boxes.tolist())}
    assert other.tolist() != boxes.tolist()


@pytest.mark.parametrize("size", [(20, 20), (1, 1000), (1000, 1), (1, 1), (2, 3)])
def test_any_size(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    boxes = selective_search(pixels, strategies=QUICK)
    assert len(boxes) >= 1
    assert np.abs(boxes - [0, 0, size[1], size[0]]).max(1).min() < 1e-3  # the whole picture


def test_a_plain_picture_is_one_region() -> None:
    boxes = selective_search(np.full((30, 40, 3), 200, np.uint8), strategies=QUICK)
    np.testing.assert_allclose(boxes, [[0, 0, 40, 30]], rtol=1e-6)


def test_without_scikit_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage.segmentation", None)
    with pytest.raises(MissingExtra, match=r"selective search .*striate\[detection\]"):
        pieces(np.zeros((4, 4, 3)), 50)
    monkeypatch.setitem(sys.modules, "skimage.color", None)
    with pytest.raises(MissingExtra, match=r"selective search .*striate\[detection\]"):
        selective_search(disc())


def test_blood_cells(shared) -> None:
    """Of the first images that are marked, nearly all cells are met by half or more."""
    cells = data.open(shared("data/bccd"))
    met, count = 0, 0
    for row in np.flatnonzero(cells.split == 0)[:2].tolist():
        pixels = images.read(cells.inputs.path(row), at_least=None)
        found = selective_search(pixels, strategies=Strategies(side=320))[:, None]
        marked = cells.targets.objects[row].boxes[None]
        low, high = np.maximum(found, marked)[..., :2], np.minimum(found, marked)[..., 2:]
        shared_area = (high - low).clip(0).prod(-1)
        areas = [(boxes[..., 2:] - boxes[..., :2]).prod(-1) for boxes in (found, marked)]
        overlap = shared_area / (areas[0] + areas[1] - shared_area)
        met += int((overlap.max(0) >= 0.5).sum())
        count += marked.shape[1]
    assert met >= 0.85 * count
