"""Odd pictures in a folder where most are alike."""

import numpy as np
import pytest
from PIL import Image

from striate.checking.appearance import VIEW, looks
from striate.checking.oddities import odd, sizes
from striate.data import Array, Dataset, Decoded, Files, Labels, decode


@pytest.fixture
def found(tmp_path, scene):
    """`found({"name.png": image})`: what is odd when those stand among twenty usual pictures."""

    def look(strange, usual=20):
        files = {f"usual-{k:02}.png": scene(k) for k in range(usual)} | strange
        for name, image in files.items():
            image.save(tmp_path / name)
        count = len(files)
        data = Dataset(
            "set",
            Files(list(files), tmp_path),
            Labels(("a", "b"), np.arange(count) % 2),
            np.zeros(count, np.int8),
        )
        decoded = decode(data, [VIEW])
        every = odd(decoded, sizes(data), looks(decoded.pixels[VIEW]).flat)
        return [(data.inputs.name(one.row), one.kind, one.reason) for one in every]

    return look


def test_usual_pictures_are_not_odd(found):
    assert found({}) == []


def test_each_kind(found, scene):
    strange = {
        "blank.png": Image.new("RGB", (96, 80), (200, 10, 10)),
        "dark.png": scene(30).point(lambda value: value // 6),
        "long.png": scene(31).resize((400, 100)),
        "tiny.png": scene(32).resize((38, 31)),
        "small.png": scene(33).resize((38, 32)),  # not yet odd
    }
    assert found(strange) == [
        ("blank.png", "blank", "one flat color"),
        ("dark.png", "dark", "very dark: its brightest parts are under a quarter of white"),
        ("long.png", "shape", "4.0 times as long as wide: 400 x 100"),
        ("tiny.png", "small", "38 x 31 pixels"),
    ]


def test_a_rare_color_mode(found, scene):
    strange = {
        "cmyk.jpg": scene(30).convert("CMYK"),
        "deep.png": Image.fromarray(np.full((80, 96), 9000, np.uint16) + np.arange(96, dtype="u2")),
    }
    reasons = {name: reason for name, kind, reason in found(strange) if kind == "mode"}
    assert reasons == {
        "cmyk.jpg": "CMYK, where most are RGB",
        "deep.png": "16 bits of gray, where most are RGB",
    }


def test_a_mode_of_many_is_not_rare(found, scene):
    assert found({f"gray-{k}.png": scene(30 + k).convert("L") for k in range(5)}) == []


def test_dark_pictures_in_a_dark_set_are_usual(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 40, (6, 32, 32, 1), dtype=np.uint8)
    data = Dataset(
        "x", Array(pixels[..., 0]), Labels(("a", "b"), np.zeros(6, int)), np.zeros(6, np.int8)
    )
    assert odd(Decoded(data, {VIEW: pixels}), sizes(data), np.zeros(6, bool)) == ()


def test_pictures_in_memory_have_their_size():
    data = Dataset(
        "x",
        Array(np.zeros((3, 5, 7, 3), "u1")),
        Labels(("a",), np.zeros(3, "i8")),
        np.zeros(3, "i1"),
    )
    found = sizes(data)
    assert (found.width.tolist(), found.height.tolist()) == ([7] * 3, [5] * 3)
    assert list(found.modes) == ["RGB"] * 3
