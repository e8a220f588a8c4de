"""A folder of squares and discs on clouds, as PASCAL VOC would have it."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import striate.data
from striate.data.boxes import BoxedDataset


@pytest.fixture
def shapes(tmp_path: Path) -> BoxedDataset:
    root = tmp_path / "shapes"
    (root / "Annotations").mkdir(parents=True)
    (root / "JPEGImages").mkdir()
    random = np.random.default_rng(0)
    for number in range(12):
        clouds = random.integers(90, 160, (6, 8, 3), dtype=np.uint8)  # no picture like another
        image = Image.fromarray(clouds).resize((120, 90), Image.Resampling.BICUBIC)
        pen, things = ImageDraw.Draw(image), ""
        for place in range(number % 3):
            x, y = (int(v) for v in random.integers(2, 20, 2) + np.array([55 * place, 20]))
            side = int(random.integers(25, 35))
            kind = ("square", "disc")[(number + place) % 2]
            draw = pen.rectangle if kind == "square" else pen.ellipse
            draw((x, y, x + side, y + side), fill=("red", "blue")[(number + place) % 2])
            things += (
                f"<object><name>{kind}</name><bndbox><xmin>{x + 1}</xmin><ymin>{y + 1}</ymin>"
                f"<xmax>{x + side}</xmax><ymax>{y + side}</ymax></bndbox></object>"
            )
        image.save(root / "JPEGImages" / f"{number}.jpg", quality=95)
        (root / "Annotations" / f"{number}.xml").write_text(f"<annotation>{things}</annotation>")
    data = striate.data.open(root)
    assert isinstance(data, BoxedDataset)
    return data
