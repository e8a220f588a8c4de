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


def test_several_recognizers_stand_in_one_table(striate, recognizer, pictures, tmp_path):
    folder = pictures({"bars": 6, "dots": 6})
    other = tmp_path / "other.safetensors"
    shutil.copy(recognizer, other)
    result = json.loads(
        striate("evaluate", recognizer, other, folder, "--split", "all", "--json").out
    )
    first, second = result["models"]
    assert (first["model"], second["model"]) == (str(recognizer), str(other))
    assert first["top1"] == second["top1"]
    assert first["behind"] == second["behind"] == {"value": 0.0, "interval": [0.0, 0.0]}
    shown = striate("evaluate", recognizer, other, folder, "--split", "all").out
    assert "behind the best" in shown


def test_the_mean_of_one_with_itself_is_itself(striate, recognizer, pictures):
    folder = pictures({"bars": 6, "dots": 6})
    asked = ("--split", "all", "--json")
    alone = json.loads(striate("evaluate", recognizer, folder, *asked).out)
    twice = json.loads(
        striate("evaluate", recognizer, recognizer, folder, "--ensemble", *asked).out
    )
    assert twice["model"] == [str(recognizer)] * 2
    assert twice["classes"] == alone["classes"]
    assert twice["calibration_error"] == pytest.approx(alone["calibration_error"], abs=1e-6)


def test_recognizers_meet_by_the_names_of_their_classes(striate, recognizer, pictures, tmp_path):
    """One whose classes stand in the other order says the same."""
    ours = load_trained(recognizer)
    _, last = classifier(ours.model)
    with torch.no_grad():
        last.weight.copy_(last.weight.flip(0).clone())
        last.bias.copy_(last.bias.flip(0).clone())
    turned = tmp_path / "turned.safetensors"
    replace(ours, classes=ours.classes[::-1]).save(turned)
    folder = pictures({"bars": 6, "dots": 4})
    asked = ("--split", "all", "--json")
    alone = json.loads(striate("evaluate", recognizer, folder, *asked).out)
    both = json.loads(striate("evaluate", recognizer, turned, folder, "--ensemble", *asked).out)
    assert both["classes"] == alone["classes"]
    assert both["calibration_error"] == pytest.approx(alone["calibration_error"], abs=1e-6)
    side_by_side = json.loads(striate("evaluate", recognizer, turned, folder, *asked).out)
    assert [each["behind"]["value"] for each in side_by_side["models"]] == [0, 0]


@pytest.mark.parametrize("how", [("--crops", 10), ("--scales", "40,48"), ("--dense",)])
def test_more_looks_at_a_picture(striate, recognizer, pictures, how):
    folder = pictures({"bars": 6, "dots": 6})
    done = striate("evaluate", recognizer, folder, "--split", "all", "--json", *how)
    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert result["images"] == 12
    assert (result["crops"] == 10) == (how[0] == "--crops")
    assert result["scales"] == ([40, 48] if how[0] == "--scales" else [])


def test_a_tree_of_classes(striate, recognizer, pictures, tmp_path):
    folder = pictures({"bars": 6, "dots": 6})
    tree = tmp_path / "tree.txt"
    tree.write_text("bars\tpattern\ndots\tpattern\n")
    asked = ("evaluate", recognizer, folder, "--split", "all", "--tree", tree)
    result = json.loads(striate(*asked, "--json").out)
    assert result["tree"]["depths"][0]["top1"] == result["top1"]["value"]
    assert "2 classes at depth 1" in striate(*asked).out
    tree.write_text("bars\tpattern\n")
    refused = striate(*asked)
    assert (refused.code, refused.one_line) == (2, True)
    assert "'dots'" in refused.err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--crops", 3), "1 or 10, not 3"),
        (("--crops", 10, "--dense"), "leave out the crops"),
        (("--scales", "big"), "--scales big: expected sides"),
        (("--scales", "8"), "holds no window"),
        (("--tree", "absent.txt"), "no class tree can be read"),
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
    assert "warning" not in same.err
    other = striate("evaluate", "run/recognizer.safetensors", photos, "--seed", 4)
    assert "learned from other images of this set" in other.err
