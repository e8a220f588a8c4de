"""Queries that are a part of a picture."""

import numpy as np
import pytest
from PIL import Image

from striate.errors import DataError
from striate.retrieval import Ask, build, evaluate
from striate.retrieval.truth import Truth, Wanted


def test_the_part_is_asked_for(pictures, model, tmp_path):
    folder = pictures(4)
    inside = np.asarray(Image.open(folder / "odd/3.png"))
    whole = np.full((96, 96, 3), 128, np.uint8)
    whole[40:72, 8:40] = inside
    Image.fromarray(whole).save(folder / "odd/7.png")
    index = build([str(folder)], tmp_path / "one.index", Ask(str(model), whiten=None)).index
    rows = {name: row for row, name in enumerate(index.names)}
    asked = Wanted("part", rows["odd/7.png"], frozenset({rows["odd/3.png"]}), box=(8, 40, 40, 72))
    assert evaluate(index, Truth((asked,), "steps")).value == 1
    for box in ((40, 0, 8, 72), (200, 0, 300, 10)):
        nothing = Wanted("part", rows["odd/7.png"], asked.positives, box=box)
        with pytest.raises(DataError, match="leaves nothing"):
            evaluate(index, Truth((nothing,), "steps"))
    (folder / "odd/7.png").unlink()
    with pytest.raises(DataError, match="needed for the query"):
        evaluate(index, Truth((asked,), "steps"))
