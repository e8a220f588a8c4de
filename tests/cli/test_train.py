"""striate train: a run, its folder, and going on."""

import json

import pytest

import striate as library


@pytest.fixture
def photos(pictures):
    return pictures({"bars": 10, "dots": 10})


def test_a_run_leaves_a_recognizer_that_knows_the_classes(striate, photos):
    done = striate("train", photos, "--epochs", 2, "--json")
    assert done.code == 0
    result = json.loads(done.out)
    assert set(result) == {
        "approach", "top1", "top5", "seconds", "parameters", "recognizer", "run", "history",
        "notes",
    }  # fmt: skip
    assert result["run"] == "striate-photos-scratch"
    assert [row["epoch"] for row in result["history"]] == [1, 2]
    assert library.load(result["recognizer"]).classes == ("bars", "dots")


def test_a_run_goes_on_where_it_stopped(striate, photos, tmp_path):
    whole = json.loads(striate("train", photos, "--epochs", 2, "--out", "whole", "--json").out)
    again = striate("train", photos, "--epochs", 2, "--resume", "whole", "--json")
    assert again.code == 0, again.err
    assert json.loads(again.out)["history"] == whole["history"]


def test_a_run_is_not_written_over(striate, photos):
    assert striate("train", photos, "--epochs", 1, "--out", "run").code == 0
    done = striate("train", photos, "--epochs", 1, "--out", "run")
    assert (done.code, done.one_line) == (2, True)
    assert "resume" in done.err


@pytest.mark.parametrize(
    "options",
    [
        ("--resume", "nowhere"),
        ("--resume", "one", "--out", "another"),
        ("--approach", "handcrafted", "--epochs", "3"),
        ("--model", "vgg61"),
    ],
)
def test_mistakes_are_one_line(striate, photos, options):
    done = striate("train", photos, *options)
    assert (done.code, done.one_line) == (2, True), done.err


def test_handcrafted_is_learned_and_saved_in_the_same_form(striate, photos):
    done = striate("train", photos, "--approach", "handcrafted", "--out", "run")
    assert done.code == 0
    assert "recognizer: run/recognizer.safetensors" in done.out
    assert library.load("run/recognizer.safetensors").classes == ("bars", "dots")
