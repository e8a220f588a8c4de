"""A picture however it is given: the same pixels, all of them."""

import numpy as np
import pytest
from PIL import Image

from striate.errors import InputError
from striate.tasks.detection.reading import pixels_of


def test_paths_bytes_and_arrays(tmp_path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (700, 900, 3), dtype=np.uint8)
    path = tmp_path / "a.png"
    Image.fromarray(pixels).save(path)
    for item in (path, str(path), path.read_bytes(), pixels):
        assert np.array_equal(pixels_of(item), pixels)
    assert pixels_of(pixels[..., 0]).shape == (700, 900, 3)


@pytest.mark.parametrize("item", [b"not a picture", "absent.png"])
def test_what_cannot_be_read(item) -> None:
    with pytest.raises(InputError):
        pixels_of(item)
