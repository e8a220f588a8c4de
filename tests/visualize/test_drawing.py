"""Pages: nothing overlaps, nothing is cut, files are whole."""

import numpy as np
import pytest
from PIL import Image

from striate.errors import StorageError, UserError
from striate.images import View
from striate.inference import Preprocessing
from striate.models import Normalization
from striate.visualize.drawing import (
    PAPER,
    Legend,
    Tile,
    boxed,
    enhanced,
    resized,
    save,
    save_film,
    sheet,
    shortened,
    to_pixels,
    width_of,
    wrapped,
)

RED = np.full((8, 8, 3), (200, 0, 0), np.uint8)


def test_every_tile_is_there_and_the_margins_are_paper():
    page = sheet("Title", [[Tile(RED, "a"), Tile(RED)], [Tile(RED, "c")]], side=50,
                 names=["one", "two"], caption="words " * 30, gaps=[1],
                 legend=Legend(0, 1, "meaning"))  # fmt: skip
    assert (page == RED[0, 0]).all(axis=2).sum() == 3 * 50 * 50
    for edge in (page[:12], page[-12:], page[:, :12], page[:, -12:]):
        assert (edge == PAPER).all()


def test_long_words_do_not_leave_their_place():
    assert shortened("a" * 300, 100, 13).endswith("…")
    assert width_of(shortened("a" * 300, 100, 13), 13) <= 100
    lines = wrapped("many words in a row " * 9, 200, 15)
    assert len(lines) > 3
    assert all(width_of(line, 15) <= 200 for line in lines)
    page = sheet("T" * 80, [[Tile(RED, "x" * 500)]])
    assert (page[:, -12:] == PAPER).all()


def test_names_with_control_characters_are_written():
    assert sheet("a\x1b[2J\nb", [[Tile(RED, "ünï\u202e\0")]], names=["\t"]).ndim == 3


def test_pictures_keep_their_shape():
    tall = np.zeros((20, 10, 3), np.uint8)
    page = resized(tall, 40)
    assert page.shape == (40, 40, 3)
    assert (page[:, :10] == 255).all()
    assert (page[:, 10:30] == 0).all()
    squares = resized(np.array([[[0] * 3, [255] * 3]] * 2, np.uint8), 4, smooth=False)
    assert squares[:, :, 0].tolist() == [[0, 0, 255, 255]] * 4


def test_a_frame_lies_where_it_is_asked_for():
    page = boxed(np.zeros((20, 20, 3), np.uint8), (5, 6, 15, 18))
    rows, columns = np.nonzero(page.any(axis=2))
    assert (rows.min(), columns.min(), rows.max(), columns.max()) == (5, 6, 14, 17)
    outside = boxed(np.zeros((20, 20, 3), np.uint8), (-5, -5, 30, 30))
    rows, columns = np.nonzero(outside.any(axis=2))
    assert (rows.min(), columns.min(), rows.max(), columns.max()) == (0, 0, 19, 19)


def test_zero_is_middle_gray():
    assert (enhanced(np.zeros((3, 4, 4), np.float32)) == 128).all()
    values = np.zeros((1, 2, 2), np.float32)
    values[0, 0] = 2, -2
    assert enhanced(values)[0, :, 0].tolist() == [255, 0]
    assert enhanced(values)[1, 0].tolist() == [128] * 3


def test_what_was_normalized_comes_back():
    pixels = np.random.default_rng(0).integers(0, 256, (1, 6, 6, 3), dtype=np.uint8)
    for bgr in (False, True):
        rule = Preprocessing(View(6), Normalization((120.0, 110.0, 100.0), (60.0, 50.0, 40.0), bgr))
        found = to_pixels(rule.tensor(pixels)[0].numpy(), rule)
        assert np.abs(found.astype(int) - pixels[0]).max() <= 1


def test_files(tmp_path):
    for suffix in (".png", ".jpg", ".webp"):
        save(tmp_path / f"a{suffix}", RED)
        with Image.open(tmp_path / f"a{suffix}") as picture:
            assert picture.size == (8, 8)
    for suffix in (".gif", ".webp", ".png"):
        save_film(tmp_path / f"b{suffix}", [RED, RED // 2, RED // 3])
        with Image.open(tmp_path / f"b{suffix}") as picture:
            assert picture.n_frames == 3
    with pytest.raises(UserError, match="ends in"):
        save(tmp_path / "a.xyz", RED)
    with pytest.raises(UserError, match="ends in"):
        save_film(tmp_path / "a.jpg", [RED])
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        save(tmp_path / "file" / "a.png", RED)
