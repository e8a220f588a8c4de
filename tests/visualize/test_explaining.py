"""Every way of looking inside by its name, on a network that has learned nothing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from striate.errors import ImageError, UnknownName, UserError
from striate.images import View
from striate.inference import Preprocessing
from striate.models import Normalization, create
from striate.models.weldon import weldon
from striate.visualize.explaining import METHODS, Question, check, explain
from striate.visualize.inside import Inside


@pytest.fixture
def inside() -> Inside:
    torch.manual_seed(0)
    preprocessing = Preprocessing(View(28, fit="squash"), Normalization((127.5,) * 3, (127.5,) * 3))
    model = create("lenet5", classes=2, channels=3)
    return Inside(model, preprocessing, ("bars", "dots"), lambda logits: (2 * logits).softmax(1))


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (50, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.mark.parametrize("method", [name for name in METHODS if name != "regions"])
def test_every_method_gives_a_page_and_facts(inside, photograph, method):
    if method == "integrated":
        pytest.importorskip("captum")
    found = explain(Question(inside, method, "" if method == "filters" else photograph))
    assert found.page.dtype == np.uint8
    assert found.page.ndim == 3
    assert found.page.shape[2] == 3
    assert found.facts.get("layer") or found.facts["class"] in inside.names


def test_probabilities_are_the_ones_of_the_recognizer_and_not_a_plain_softmax(inside, photograph):
    pixels = inside.read(photograph)
    with torch.inference_mode():
        logits = inside.model.eval()(inside.preprocessing.tensor(pixels[None]))
    wanted = (2 * logits).softmax(1)[0]
    assert inside.probabilities(pixels) == pytest.approx(wanted.numpy())
    found = explain(Question(inside, "saliency", photograph))
    assert found.facts["class"] == inside.names[int(wanted.argmax())]
    assert found.facts["probability"] == pytest.approx(float(wanted.max()))
    other = explain(Question(inside, "saliency", photograph, class_name="DOTS"))
    assert other.facts["probability"] == pytest.approx(float(wanted[1]))


@pytest.mark.parametrize("approximate", [False, True])
def test_classes_that_do_not_exclude_each_other_are_hidden_by_their_own_probability(
    inside, photograph, approximate
):
    """Hidden squares take a class's sigmoid down, and not its share of a softmax."""
    each = replace(inside, to_probabilities=lambda logits: torch.sigmoid(3 * logits - 1))
    asked = Question(each, "occlusion", photograph, class_name="dots", approximate=approximate)
    found = explain(asked)
    pixels = inside.preprocessing.tensor(inside.read(photograph)[None])
    assert found.facts["probability"] == pytest.approx(own(inside, pixels)[1], abs=1e-6)
    left, top, right, bottom = found.facts["lowest_box"]
    pixels[:, :, top:bottom, left:right] = 0
    error = 0.02 if approximate else 1e-6  # between computed places
    assert found.facts["lowest"] == pytest.approx(own(inside, pixels)[1], abs=error)


@pytest.mark.parametrize("method", ["saliency", "gradcam"])
def test_deletion_and_insertion_are_of_the_class_s_own_probability(inside, photograph, method):
    """A map is judged on a sigmoid that is nearly constant: its curves enclose that constant."""
    each = replace(inside, to_probabilities=lambda logits: torch.sigmoid(1e-3 * logits + 2))
    found = explain(Question(each, method, photograph, class_name="bars"))
    constant = 1 / (1 + np.exp(-2))
    for area in ("deletion_area", "insertion_area", "probability"):
        assert found.facts[area] == pytest.approx(constant, abs=1e-3)


def own(inside, pixels):
    with torch.inference_mode():
        return torch.sigmoid(3 * inside.model.eval()(pixels) - 1)[0].tolist()


def test_regions_are_those_of_a_network_that_scores_them(inside, photograph):
    with pytest.raises(UserError, match="learn one with --method weldon"):
        explain(Question(inside, "regions", photograph))
    model = weldon(2, backbone="lenet5").eval()
    torch.nn.init.normal_(model.get_submodule("regions.scores").weight)
    found = explain(Question(replace(inside, model=model), "regions", photograph))
    maps = model.class_maps(inside.preprocessing.tensor(inside.read(photograph)[None]))
    assert found.facts["regions"] == list(maps.shape[2:])
    target = inside.names.index(found.facts["class"])
    row, column = found.facts["strongest"]
    assert maps[0, target, row, column] == maps[0, target].max()


def test_the_strongest_patches_of_those_pictures_that_can_be_read(inside, photograph, tmp_path):
    (tmp_path / "broken.jpg").write_text("no picture")
    places = [photograph, tmp_path / "broken.jpg"]
    found = explain(Question(inside, "deconvnet", several=places, layer="c3"))
    assert found.facts["images"] == 1
    assert found.broken == (f"{tmp_path / 'broken.jpg'}: not an image (a text file?)",)
    assert found.facts["strongest"][0]["paths"] == [str(photograph)]
    with pytest.raises(UserError, match="none of 1 pictures can be read"):
        explain(Question(inside, "deconvnet", several=[tmp_path / "broken.jpg"]))


def test_mistakes(inside, photograph):
    with pytest.raises(UnknownName, match="did you mean gradcam"):
        check("grad-cam", photograph)
    with pytest.raises(UserError, match="needs an IMAGE"):
        check("gradcam", "")
    with pytest.raises(UserError, match="--approximate is for --method occlusion"):
        check("gradcam", photograph, approximate=True)
    with pytest.raises(UnknownName, match="no class is called"):
        explain(Question(inside, "gradcam", photograph, class_name="cats"))
    with pytest.raises(ImageError, match=r"nowhere\.png: "):
        explain(Question(inside, "gradcam", "nowhere.png"))
