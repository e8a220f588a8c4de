"""Pages: every value escaped, whole files, small pictures inside."""

import base64
import io

import numpy as np
from PIL import Image

from striate.data import Array, Dataset, Files, Labels
from striate.pages import embedded, thumbnail


def opened(address: str) -> Image.Image:
    """The picture in a data: address."""
    head, _, text = address.partition(",")
    assert head in ("data:image/png;base64", "data:image/jpeg;base64")
    return Image.open(io.BytesIO(base64.b64decode(text)))


def test_large_pictures_become_small_jpegs() -> None:
    found = opened(embedded(Image.new("RGB", (800, 400), "red")))
    assert (found.format, found.size) == ("JPEG", (160, 80))


def test_small_ones_are_enlarged_without_blur() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 6, 3), dtype=np.uint8)
    found = opened(embedded(Image.fromarray(pixels)))
    assert found.format == "PNG"
    np.testing.assert_array_equal(np.asarray(found), pixels.repeat(4, 0).repeat(4, 1))


def test_a_picture_whose_file_has_gone_is_none(tmp_path) -> None:
    targets, splits = Labels(("a",), np.zeros(1, np.int64)), np.zeros(1, np.int8)
    gone = Dataset("some", Files(["gone.png"], tmp_path), targets, splits)
    assert thumbnail(gone, 0) is None
    there = Array(np.zeros((1, 9, 9, 3), np.uint8))
    address = thumbnail(Dataset("some", there, targets, splits), 0)
    assert address is not None
    assert opened(address).size == (36, 36)
