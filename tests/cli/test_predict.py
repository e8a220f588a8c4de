"""striate predict: folders of any size, broken pictures, exit codes."""

import json
import os

import pytest
from PIL import Image

from striate.cli.predict import walk


@pytest.fixture
def folder(tmp_path):
    """Two pictures, one of them deeper; a broken one; a text that is no picture."""
    place = tmp_path / "holiday"
    (place / "sea").mkdir(parents=True)
    Image.new("RGB", (20, 10), "red").save(place / "a.jpg")
    Image.new("L", (10, 20), 9).save(place / "sea" / "b.png")
    (place / "broken.jpg").write_text("no picture")
    (place / "notes.txt").write_text("no picture either")
    return place


def test_one_object_a_line(striate, recognizer, folder):
    done = striate("predict", recognizer, folder, "--json")
    assert done.code == 0
    rows = {row["path"]: row for row in map(json.loads, done.out.splitlines())}
    assert set(rows) == {str(folder / n) for n in ("a.jpg", "broken.jpg", "sea/b.png")}
    assert set(rows[str(folder / "broken.jpg")]) == {"path", "error"}
    good = rows[str(folder / "a.jpg")]
    assert set(good) == {"path", "labels", "known"}
    assert good["known"] is True
    assert {label["name"] for label in good["labels"]} == {"bars", "dots"}
    assert sum(label["probability"] for label in good["labels"]) == pytest.approx(1)
    assert done.err == "1 of 3 could not be read\n"


def test_for_people_a_line_a_picture(striate, recognizer, folder):
    done = striate("predict", recognizer, folder, "--top", 1)
    assert [line.count("%") for line in done.out.splitlines()] == [1, 1]
    assert "broken.jpg: not an image (a text file?)" in done.err


def test_pictures_come_in_the_order_they_were_asked_for(striate, recognizer, folder):
    asked = [folder / "sea" / "b.png", folder / "a.jpg", folder / "sea" / "b.png"]
    done = striate("predict", recognizer, *asked, "--json", "--batch-size", 2)
    assert [json.loads(line)["path"] for line in done.out.splitlines()] == list(map(str, asked))


def test_nothing_that_can_be_read_is_exit_code_2(striate, recognizer, folder):
    done = striate("predict", recognizer, folder / "broken.jpg", "nowhere.png", "--json")
    assert done.code == 2
    assert [json.loads(line).get("labels") for line in done.out.splitlines()] == [None, None]
    (folder / "sea" / "b.png").unlink()
    done = striate("predict", recognizer, folder / "sea")
    assert done.code == 2
    assert done.one_line


def test_what_is_no_recognizer_is_one_line(striate, folder):
    for path in (folder / "a.jpg", folder / "nowhere.safetensors", folder / "x.pt", folder):
        done = striate("predict", path, folder)
        assert (done.code, done.one_line) == (2, True), path


def test_links_in_a_circle_end(folder):
    (folder / "sea" / "back").symlink_to(folder)
    assert sorted(os.path.basename(p) for p in walk([str(folder)])) == [  # noqa: PTH119
        "a.jpg", "b.png", "broken.jpg",
    ]  # fmt: skip


def test_names_do_not_reach_the_terminal_raw(striate, recognizer, folder):
    (folder / "a.jpg").rename(folder / "a\x1b[2J.jpg")
    done = striate("predict", recognizer, folder)
    assert "\x1b" not in done.out
    assert "a\\x1b[2J.jpg" in done.out
