"""Small folders of real picture files."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def picture(number: int = 0, size: int = 8) -> bytes:
    """A small PNG, different for every number."""
    pixels = np.random.default_rng(number).integers(0, 256, (size, size, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def tree(tmp_path: Path) -> Callable[..., Path]:
    """`tree("cat/1.png", "dog/2.png")` writes pictures there; `tree(**{"a.txt": b"..."})` bytes."""
    root = tmp_path / "photos"
    root.mkdir()

    def write(*names: str, **contents: bytes) -> Path:
        pictures = {name: picture(number) for number, name in enumerate(names)}
        for name, data in (pictures | contents).items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return root

    return write


@pytest.fixture
def many(tree: Callable[..., Path]) -> Callable[..., Path]:
    """`many(10, "cat", "dog")` writes ten pictures into each of these folders."""

    def write(count: int, *folders: str) -> Path:
        return tree(*(f"{folder}/{number}.png" for folder in folders for number in range(count)))

    return write
