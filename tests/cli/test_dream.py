"""striate dream: a picture, a film, and mistakes told before any work."""

import json

import numpy as np
from PIL import Image


def test_a_dream_is_saved_and_told(striate, recognizer):
    done = striate("dream", recognizer, "dots", "--steps", 4, "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["class"] == "dots"
    assert found["out"] == "dream.png"
    assert 0 <= found["probability"] <= 1
    assert found["sees"]["name"] in ("bars", "dots")
    with Image.open("dream.png") as picture:
        assert picture.size == (28, 28)


def test_the_seed_decides(striate, recognizer):
    for out, seed in (("a.png", 1), ("b.png", 1), ("c.png", 2)):
        striate("dream", recognizer, "bars", "--steps", 3, "--seed", seed, "--out", out)
    a, b, c = (np.array(Image.open(name)) for name in ("a.png", "b.png", "c.png"))
    assert (a == b).all()
    assert (a != c).any()


def test_from_a_photograph_with_a_film(striate, recognizer, tmp_path):
    Image.new("RGB", (60, 40), "green").save(tmp_path / "photo.png")
    photograph = tmp_path / "photo.png"
    done = striate("dream", recognizer, "--layer", "c3", "--map", 2, "--from", photograph,
                   "--size", 48, "--steps", 5, "--film", "f.gif")  # fmt: skip
    assert done.code == 0, done.err
    assert done.out.startswith("dream.png: recognized as ")
    with Image.open("dream.png") as picture:
        assert picture.size == (48, 32)
    with Image.open("f.gif") as film:
        assert film.n_frames == 5


def test_mistakes_are_one_line_and_leave_no_file(striate, recognizer, tmp_path):
    for arguments, reason in (
        ((recognizer,), "give what to dream of"),
        (
            (recognizer, "dots", "--layer", "c3"),
            "give one of the two",
        ),
        ((recognizer, "dos"), "did you mean dots"),
        ((recognizer, "--layer", "c33"), "did you mean c3"),
        ((recognizer, "--layer", "c3", "--map", 999), "feature maps 0 to"),
        ((recognizer, "dots", "--from", "nowhere.jpg"), "nowhere.jpg: cannot be read"),
        ((recognizer, "dots", "--out", "a.txt"), "ends in"),
        ((recognizer, "dots", "--film", "a.mp4"), "ends in .png, .gif, .webp"),
        (("nowhere.safetensors", "dots"), "nowhere.safetensors"),
    ):
        done = striate("dream", *arguments, "--steps", 2)
        assert (done.code, done.one_line) == (2, True), (arguments, done)
        assert reason in done.err, done.err
        assert not list((tmp_path / "here").iterdir())
