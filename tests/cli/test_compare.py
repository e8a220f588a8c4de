"""striate compare: the main job, on pictures that anyone tells apart."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import striate as library
from striate.approaches import APPROACHES
from striate.cli.options import see_writable
from striate.errors import StorageError

QUICK = ("--approaches", "handcrafted,scratch", "--seeds", "1")


@pytest.fixture
def photos(pictures):
    folder = pictures({"bars": 12, "<script>": 12})
    (folder / "bars" / "broken.jpg").write_text("no picture")
    return folder


def test_json_is_what_was_promised(striate, photos):
    done = striate("compare", photos, *QUICK, "--json")
    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert done.out.count("\n") == 1
    assert set(result) == {"data", "approaches", "best", "advice", "report"}
    assert [row["approach"] for row in result["approaches"]] == ["handcrafted", "scratch"]
    for row in result["approaches"]:
        assert {
            "approach", "top1", "top1_std", "top5", "seconds", "seeds", "recognizer",
        } <= set(row)  # fmt: skip
        assert 0 <= row["top1"] <= 1
        assert row["seeds"] == 1
        assert set(library.load(row["recognizer"]).classes) == {"bars", "<script>"}
    assert result["best"] in ("handcrafted", "scratch")
    assert [each["name"] for each in result["data"]["left_out"]] == ["bars/broken.jpg"]
    page = Path(result["report"]).read_text()
    assert "<script>" not in page.replace("<script>\n", "")
    assert "&lt;script&gt;" in page
    assert "handcrafted, seed 0: " in done.err


def test_for_people_a_table_advice_and_where_everything_is(striate, photos):
    done = striate(
        "compare", photos, "--approaches", "handcrafted", "--seeds", 1, "--out", "results",
        "--report", "page.html",
    )  # fmt: skip
    assert done.code == 0, done.err
    for words in (
        "24 images of 2 classes",
        "handcrafted ",
        "left out: 1",
        "bars/broken.jpg: not an image (a text file?)",
        "results/handcrafted.safetensors  <- take this",
        "page.html",
    ):
        assert words in done.out
    assert Path("page.html").is_file()


def test_who_stops_keeps_what_is_done(striate, photos, monkeypatch):
    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setitem(APPROACHES, "scratch", replace(APPROACHES["scratch"], learn=stop))
    done = striate("compare", photos, *QUICK)
    assert done.code == 130
    assert done.err.endswith("striate: stopped\n")
    assert library.load("striate-photos/handcrafted.safetensors").classes


@pytest.mark.parametrize("approaches", ["magic", "", ","])
def test_unknown_approaches_are_named_before_anything_is_learned(striate, photos, approaches):
    done = striate("compare", photos, "--approaches", approaches)
    assert (done.code, done.one_line) == (2, True)


def test_a_place_that_cannot_be_written_is_said_before_the_work(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="may be written"):
        see_writable(tmp_path / "file" / "results")
    see_writable(tmp_path / "a" / "b")
    assert not (tmp_path / "a").exists()
