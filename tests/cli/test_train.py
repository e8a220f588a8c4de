"""striate train: a run, its folder, and going on."""

import json
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

import striate as library
from striate.files import Lock
from striate.tasks.table import TASKS
from striate.training.recipes import AIRBENCH


@pytest.fixture
def photos(pictures):
    return pictures({"bars": 10, "dots": 10})


def test_a_run_leaves_a_recognizer_that_knows_the_classes(striate, photos):
    (photos / "bars" / "broken.jpg").write_text("no picture")
    done = striate("train", photos, "--epochs", 2, "--json")
    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert {
        "task", "data", "method", "approach", "network", "score", "interval", "metrics", "seconds",
        "stages", "validation", "parameters", "recognizer", "run", "history", "notes",
    } <= set(result)  # fmt: skip
    assert (result["task"], result["method"]) == ("classification", "scratch")
    assert result["run"] == "striate-photos-scratch"
    assert [row["epoch"] for row in result["history"]] == [1, 2]
    assert [each["name"] for each in result["data"]["left_out"]] == ["bars/broken.jpg"]
    recognizer = library.load(result["recognizer"])
    assert recognizer.names == ("bars", "dots")
    assert recognizer.provenance["test"]["value"] == result["score"]


def test_what_was_left_out_is_named_to_people_too(striate, photos):
    (photos / "bars" / "broken.jpg").write_text("no picture")
    done = striate("train", photos, "--method", "handcrafted", "--out", "run")
    assert done.code == 0, done.err
    assert "handcrafted: top-1 " in done.out
    assert "left out: 1\n  bars/broken.jpg: not an image (a text file?)\n" in done.out
    assert "recognizer: run/recognizer.safetensors" in done.out
    assert library.load("run/recognizer.safetensors").names == ("bars", "dots")


def test_a_run_goes_on_where_it_stopped(striate, photos):
    whole = json.loads(striate("train", photos, "--epochs", 2, "--out", "whole", "--json").out)
    again = striate("train", photos, "--epochs", 2, "--resume", "whole", "--json")
    assert again.code == 0, again.err
    assert json.loads(again.out)["history"] == whole["history"]


def test_who_stops_a_run_is_told_how_to_go_on(striate, photos, monkeypatch):
    def stop(*arguments):
        raise KeyboardInterrupt

    task = TASKS["classification"]
    stopped = {**task.methods, "scratch": replace(task.methods["scratch"], learn=stop)}
    with monkeypatch.context() as patch:
        patch.setattr(type(task), "methods", MappingProxyType(stopped))
        done = striate(
            "train", photos, "--epochs", 1, "--set", "clip=1", "--set", "parts=2", "--seed", 4
        )
    assert done.code == 130
    again = (
        f"saved; to go on: striate train {photos} --set clip=1 --set parts=2 --epochs 1 "
        "--resume striate-photos-scratch --seed 4"
    )
    assert done.err.splitlines()[-2:] == [again, "striate: stopped"]
    done = striate(*again.split()[5:], "--json")
    assert done.code == 0, done.err
    assert len(json.loads(done.out)["history"]) == 1


def test_a_run_is_not_written_over(striate, photos):
    assert striate("train", photos, "--method", "handcrafted", "--out", "run").code == 0
    done = striate("train", photos, "--method", "handcrafted", "--out", "run")
    assert (done.code, done.one_line) == (2, True)
    assert "go on with --resume run, or give another --out" in done.err
    done = striate("train", photos, "--method", "handcrafted", "--seed", 1, "--resume", "run")
    assert (done.code, done.one_line) == (2, True)
    assert "another seed and other data" in done.err


def test_a_run_has_one_writer(striate, photos):
    with Lock("run/.lock") as lock:
        assert lock.acquire()
        done = striate("train", photos, "--method", "handcrafted", "--out", "run")
    assert (done.code, done.one_line) == (2, True)
    assert "run is in use by another process" in done.err


def test_a_time_limit_ends_a_run_with_a_recognizer(striate, photos):
    done = striate("train", photos, "--epochs", 5000, "--time-limit", 1, "--json")
    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert 0 < result["history"][-1]["epoch"] < 5000
    assert library.load(result["recognizer"]).provenance["asked"]["time limit"] == 1.0


def test_a_network_and_a_recipe_by_name(striate, photos):
    done = striate(
        "train", photos, "--network", "lenet5", "--recipe", "lenet5_mnist", "--epochs", 1, "--json"
    )
    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert result["network"] == "lenet5"
    known = library.load(result["recognizer"]).provenance
    assert known["recipe"]["weight_decay"] == 1e-4
    assert known["asked"]["recipe"]["epochs"] == 3


def test_one_value_of_the_usual_recipe_is_changed(striate, photos):
    options = ("--epochs", 1, "--set", "learning_rate=0.001", "--set", "mirror=0", "--out", "run")
    done = striate("train", photos, *options, "--json")
    assert done.code == 0, done.err
    known = library.load("run/recognizer.safetensors").provenance
    changed = AIRBENCH.set("learning_rate=0.001", "mirror=0", "epochs=1").to_json()
    assert known["recipe"] == {**json.loads(json.dumps(changed)), "weights": "random"}
    assert known["asked"]["settings"] == ["learning_rate=0.001", "mirror=0"]
    again = ("train", photos, "--epochs", 1, "--resume", "run")
    done = striate(*again)
    assert (done.code, done.one_line) == (2, True)
    assert "a run with other settings" in done.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--resume", "nowhere"), "no run was begun there"),
        (("--resume", "one", "--out", "another"), "leave out --out another"),
        (("--method", "handcrafted", "--epochs", "3"), "--epochs: handcrafted is solved at once"),
        (("--method", "handcrafted", "--recipe", "scratch"), "--recipe: handcrafted is solved"),
        (
            ("--method", "handcrafted", "--set", "clip=1"),
            "handcrafted has no such setting; it has balance",
        ),
        (
            ("--set", "learn_rate=0.1"),
            "no setting of a recipe is called 'learn_rate'; did you mean",
        ),
        (("--set", "clip=1", "--set", "epochs=x"), "--set epochs=x: epochs takes a whole number"),
        (("--set", "clip"), "--set clip: expected key=value"),
        (("--method", "handcrafted", "--time-limit", "3"), "--time-limit: handcrafted is"),
        (("--method", "handcrafted", "--network", "vgg16"), "--network vgg16: handcrafted"),
        (("--weights", "imagenet"), "--weights imagenet: scratch starts from random"),
        (("--network", "vgg61"), "did you mean vgg"),
        (("--method", "handcraft"), "did you mean handcrafted"),
        (("--recipe", "magic"), "no recipe is called 'magic'"),
        (("--task", "magic"), "no task is called 'magic'"),
        (("--device", "warp"), "--device warp"),
    ],
)
def test_mistakes_are_one_line(striate, photos, options, words):
    done = striate("train", photos, *options)
    assert (done.code, done.one_line) == (2, True), done.err
    assert words in done.err
    assert not list(Path().glob("striate-photos-*"))
