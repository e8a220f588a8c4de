"""striate evaluate: against numbers by hand."""

import json
import shutil
from dataclasses import replace

import pytest
import torch

from striate.models.surgery import classifier
from striate.recognizer import load_trained


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
    assert (result["task"], result["examples"], result["split"]) == ("classification", 10, "all")
    assert result["score"] == pytest.approx(right / 10)
    low, high = result["interval"]
    assert 0 <= low <= right / 10 <= high <= 1
    assert result["top5"] is None  # of two classes
    assert [(row["name"], row["images"]) for row in result["classes"]] == [("bars", 6), ("dots", 4)]
    assert result["classes"][0]["recall"] == pytest.approx(given["bars"].count("bars") / 6)


def test_broken_files_are_counted_and_named(striate, recognizer, pictures):
    folder = pictures({"bars": 6, "dots": 6})
    (folder / "bars" / "broken.png").write_text("no picture")
    done = striate("evaluate", recognizer, folder, "--split", "all")
    assert "12 examples" in done.out
    assert "left out: 1" in done.out
    assert "bars/broken.png: not an image" in done.out


def test_a_class_that_the_recognizer_lacks_is_named_and_not_scored(striate, recognizer, pictures):
    other = pictures({"dots": 5, "nets": 5})
    done = striate("evaluate", recognizer, other, "--split", "all", "--json")
    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert (result["examples"], result["unscored"]) == (5, {"nets": 5})
    assert done.err == "note: not scored, because a recognizer lacks the class: nets (5)\n"
    none = striate("evaluate", recognizer, pictures({"nets": 5, "rings": 5}, "others"))
    assert none.code == 2
    assert "knows none of that, but bars, dots" in none.err


def test_what_cannot_be_learned_from_can_be_scored(striate, recognizer, pictures, tmp_path):
    """A test split alone, one class, a picture a class, a list of two."""
    for name, classes, count, split in (
        ("alone", {"test/bars": 4, "test/dots": 3}, 7, "test"),
        ("held", {"val/bars": 4, "val/dots": 3}, 7, "all"),
        ("one", {"bars": 2}, 2, "all"),
        ("each", {"bars": 1, "dots": 1}, 2, "all"),
        ("more", {"train/bars": 3, "train/dots": 3, "test/bars": 2, "test/nets": 2}, 2, "test"),
    ):
        done = striate("evaluate", recognizer, pictures(classes, name), "--json")
        assert done.code == 0, (name, done.err)
        result = json.loads(done.out)
        assert (result["examples"], result["split"]) == (count, split), name
        assert ("no test split" in done.err) == (split == "all")
    (tmp_path / "two.csv").write_text("path,label\neach/bars/0.png,bars\neach/dots/0.png,dots\n")
    result = json.loads(striate("evaluate", recognizer, tmp_path / "two.csv", "--json").out)
    assert result["examples"] == 2


def test_windows_of_pictures(striate, recognizer, pictures):
    folder = pictures({"bars": 4, "dots": 4})
    asked = ("evaluate", recognizer, folder, "--split", "all", "--json")
    for options in (
        ("--crops", 50),
        ("--crops", 144),
        ("--dense", "--offsets", "--places", "max", "--scales", "32,40"),
    ):
        done = striate(*asked, *options)
        assert done.code == 0, done.err
        assert json.loads(done.out)["examples"] == 8


def test_splits(striate, recognizer, pictures):
    folder = pictures({"bars": 10, "dots": 10})
    sizes = {
        split: json.loads(striate("evaluate", recognizer, folder, "--split", split, "--json").out)[
            "examples"
        ]
        for split in ("train", "validation", "test", "all")
    }
    assert sizes["train"] + sizes["validation"] + sizes["test"] == sizes["all"] == 20
    assert sizes["test"] == 4


def test_several_recognizers_stand_in_one_table(striate, recognizer, pictures, tmp_path):
    folder = pictures({"bars": 6, "dots": 6})
    other = tmp_path / "other.safetensors"
    shutil.copy(recognizer, other)
    result = json.loads(
        striate("evaluate", recognizer, other, folder, "--split", "all", "--json").out
    )
    first, second = result["models"]
    assert (first["model"], second["model"]) == (str(recognizer), str(other))
    assert first["score"] == second["score"]
    assert result["best"] == first["model"]
    assert first["behind"] is None
    assert second["behind"] == {"value": 0.0, "interval": [0.0, 0.0]}
    shown = striate("evaluate", recognizer, other, folder, "--split", "all").out
    assert "behind the best" in shown


def test_the_mean_of_one_with_itself_is_itself(striate, recognizer, pictures, tmp_path):
    folder = pictures({"bars": 6, "dots": 6})
    shutil.copy(recognizer, tmp_path / "copy.safetensors")
    asked = ("--split", "all", "--json")
    alone = json.loads(striate("evaluate", recognizer, folder, *asked).out)
    done = striate(
        "evaluate", recognizer, tmp_path / "copy.safetensors", folder, "--ensemble", *asked
    )
    twice = json.loads(done.out)
    assert twice["options"] == {"ensemble": True}
    assert str(recognizer) in twice["model"]
    assert "copy.safetensors" in twice["model"]
    assert twice["classes"] == alone["classes"]
    assert twice["calibration_error"] == pytest.approx(alone["calibration_error"], abs=1e-6)


def test_recognizers_meet_by_the_names_of_their_classes(striate, recognizer, pictures, tmp_path):
    """One whose classes stand in the other order says the same."""
    ours = load_trained(recognizer)
    _, last = classifier(ours.predictor.inside()[0])
    with torch.no_grad():
        last.weight.copy_(last.weight.flip(0).clone())
        last.bias.copy_(last.bias.flip(0).clone())
    turned = tmp_path / "turned.safetensors"
    replace(ours, names=ours.names[::-1]).save(turned)
    folder = pictures({"bars": 6, "dots": 4})
    asked = ("--split", "all", "--json")
    alone = json.loads(striate("evaluate", recognizer, folder, *asked).out)
    both = json.loads(striate("evaluate", recognizer, turned, folder, "--ensemble", *asked).out)
    assert both["classes"] == alone["classes"]
    assert both["calibration_error"] == pytest.approx(alone["calibration_error"], abs=1e-6)
    side_by_side = json.loads(striate("evaluate", recognizer, turned, folder, *asked).out)
    assert side_by_side["models"][1]["behind"]["value"] == 0


@pytest.mark.parametrize("how", [("--crops", 10), ("--scales", "40,48"), ("--dense",)])
def test_more_looks_at_a_picture(striate, recognizer, pictures, how):
    folder = pictures({"bars": 6, "dots": 6})
    done = striate("evaluate", recognizer, folder, "--split", "all", "--json", *how)
    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert result["examples"] == 12
    assert result["options"] == {
        "--crops": {"crops": 10}, "--scales": {"scales": [40, 48]}, "--dense": {"dense": True},
    }[how[0]]  # fmt: skip


def test_a_tree_of_classes(striate, recognizer, pictures, tmp_path):
    folder = pictures({"bars": 6, "dots": 6})
    tree = tmp_path / "tree.txt"
    tree.write_text("bars\tpattern\ndots\tpattern\n")
    asked = ("evaluate", recognizer, folder, "--split", "all", "--tree", tree)
    result = json.loads(striate(*asked, "--json").out)
    assert result["tree"]["depths"][0]["top1"] == result["score"]
    assert "2 classes at depth 1" in striate(*asked).out
    tree.write_text("bars\tpattern\n")
    refused = striate(*asked)
    assert (refused.code, refused.one_line) == (2, True)
    assert "'dots'" in refused.err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--crops", 3), "crops are 1, 10, 50 or 144, not 3"),
        (("--offsets",), "ask for it, too"),
        (("--crops", 10, "--dense"), "leave out the crops"),
        (("--scales", "big"), "--scales big: expected sides"),
        (("--scales", "8"), "holds no window"),
        (("--tree", "absent.txt"), "absent.txt: a class tree cannot be read"),
    ],
)
def test_mistakes_are_told(striate, recognizer, pictures, more, message):
    done = striate("evaluate", recognizer, pictures({"bars": 6, "dots": 6}), *more)
    assert (done.code, done.one_line) == (2, True)
    assert message in done.err


def test_a_model_without_data(striate, recognizer):
    done = striate("evaluate", recognizer)
    assert done.code == 2
    assert "MODEL and DATA" in done.err


def test_another_split_than_the_one_it_was_learned_from_is_told(striate, pictures):
    photos = pictures({"bars": 12, "dots": 12})
    striate("train", photos, "--epochs", 1, "--out", "run", "--seed", 3)
    same = striate("evaluate", "run/recognizer.safetensors", photos, "--seed", 3)
    assert "note: " not in same.err
    other = striate("evaluate", "run/recognizer.safetensors", photos, "--seed", 4)
    assert "learned from other examples of this dataset than this split says" in other.err
    every = striate("evaluate", "run/recognizer.safetensors", photos, "--split", "all")
    assert "its score on all of it is not to be trusted" in every.err
