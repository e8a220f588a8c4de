"""One bit depth for all pictures of a set, learned from the training images and used afterwards."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import striate.data
from striate.data import Files, bits_of
from striate.data.boxes import whole
from striate.images import View, read, render
from striate.images.decoding import depth
from striate.images.levels import to_8_bits

SIZE = (40, 40)


def deep(path: Path, brightest: int, seed: int = 0) -> Path:
    """A picture of 16 bits with values from 0 to `brightest`, both of which it has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(seed).integers(0, brightest + 1, SIZE, dtype=np.uint16)
    values.flat[:2] = 0, brightest
    Image.fromarray(values).save(path)
    return path


def twelve(root: Path) -> Path:
    """Class folders of 12 bits in which every second picture is as dim as 10."""
    for number in range(24):
        brightest = 4095 if number % 2 else 900
        name = f"{('cat', 'dog')[number % 2 ^ number // 2 % 2]}/{number}.png"
        deep(root / name, brightest, number)
    return root


def test_a_dim_picture_is_read_like_its_set(tmp_path: Path) -> None:
    data = striate.data.open(twelve(tmp_path))
    assert bits_of(data.inputs) == 12
    for row in range(len(data)):
        path = data.inputs.path(row)
        assert path is not None
        values = np.asarray(Image.open(path))
        assert np.array_equal(data.inputs[row][..., 0], values >> 4)
        assert np.array_equal(whole(data.inputs, row)[..., 0], values >> 4)
    (told,) = [note for note in data.notes if "8 bits" in note]
    assert "12 bits" in told
    assert "10 bits" in told


def test_the_depth_is_that_of_the_training_images(tmp_path: Path) -> None:
    for part, brightest in (("train", 4000), ("test", 60_000)):
        for number in range(6):
            deep(tmp_path / part / ("cat", "dog")[number % 2] / f"{number}.png", brightest, number)
    data = striate.data.open(tmp_path)
    assert bits_of(data.inputs) == 12
    assert bits_of(data.test.inputs) == 12
    assert data.test.inputs[0].max() == 255  # brighter than all that was learned from: white


def test_sets_of_8_bits_have_none(tmp_path: Path) -> None:
    for number in range(6):
        path = tmp_path / ("cat", "dog")[number % 2] / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    data = striate.data.open(tmp_path)
    assert bits_of(data.inputs) is None
    assert not any("8 bits" in note for note in data.notes)


def test_each_has_its_own_depth_where_no_set_is_known(tmp_path: Path) -> None:
    path = deep(tmp_path / "a.png", 1000)
    assert read(path).max() == 1000 >> 2
    assert bits_of(Files([path])) is None


def test_a_view_holds_the_depth(tmp_path: Path) -> None:
    data = deep(tmp_path / "a.png", 1000).read_bytes()
    alone, as_12, as_16 = render(
        data, [View(40, 1, "squash", bits=bits) for bits in (None, 12, 16)]
    )
    assert (alone.max(), as_12.max(), as_16.max()) == (250, 62, 3)


@pytest.mark.parametrize("bits", [7, 12.0, True, "12", 33])
def test_other_depths_are_refused(bits: object) -> None:
    with pytest.raises(ValueError, match="bits must be one of"):
        View(40, bits=bits)  # type: ignore[arg-type]


def test_floats_beyond_1_have_a_depth_too(tmp_path: Path) -> None:
    values = np.linspace(0, 4000, 1600, dtype=np.float32).reshape(SIZE)
    Image.fromarray(values).save(tmp_path / "a.tif")
    Image.fromarray(values / 4000).save(tmp_path / "b.tif")
    assert depth((tmp_path / "a.tif").read_bytes()) == 12
    assert depth((tmp_path / "b.tif").read_bytes()) is None
    assert np.array_equal(to_8_bits(values / 8, 12), (values / 128).astype(np.uint8))
