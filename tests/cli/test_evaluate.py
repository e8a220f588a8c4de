"""striate evaluate: against numbers by hand."""

import json

import pytest


def test_scores_are_those_counted_by_hand(striate, recognizer, pictures):
    folder = pictures({"bars": 6, "dots": 4})
    done = striate("evaluate", recognizer, folder, "--split", "all", "--json")
    assert done.code == 0
    result = json.loads(done.out)
    given = {}
    for kind in ("bars", "dots"):
        lines = striate("predict", recognizer, folder / kind, "--json").out.splitlines()
        given[kind] = [json.loads(line)["labels"][0]["name"] for line in lines]
    right = given["bars"].count("bars") + given["dots"].count("dots")
    assert result["images"] == 10
    assert result["top1"]["value"] == pytest.approx(right / 10)
    low, high = result["top1"]["interval"]
    assert 0 <= low <= right / 10 <= high <= 1
    assert result["top5"] is None  # of two classes
    assert [(row["name"], row["images"]) for row in result["classes"]] == [("bars", 6), ("dots", 4)]
    assert result["classes"][0]["recall"] == pytest.approx(given["bars"].count("bars") / 6)


def test_broken_files_are_counted_and_named(striate, recognizer, pictures):
    folder = pictures({"bars": 6, "dots": 6})
    (folder / "bars" / "broken.png").write_text("no picture")
    done = striate("evaluate", recognizer, folder, "--split", "all")
    assert "12 images" in done.out
    assert "1 left out" in done.out
    assert "bars/broken.png: not an image" in done.out


def test_classes_are_met_by_name_and_not_by_number(striate, recognizer, pictures):
    other = pictures({"dots": 5, "nets": 5})
    done = striate("evaluate", recognizer, other)
    assert (done.code, done.one_line) == (2, True)
    assert "'nets'" in done.err


def test_splits(striate, recognizer, pictures):
    folder = pictures({"bars": 10, "dots": 10})
    sizes = {
        split: json.loads(striate("evaluate", recognizer, folder, "--split", split, "--json").out)[
            "images"
        ]
        for split in ("train", "validation", "test", "all")
    }
    assert sizes["train"] + sizes["validation"] + sizes["test"] == sizes["all"] == 20
    assert sizes["test"] == 4
