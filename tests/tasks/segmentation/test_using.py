"""Masks in files, in the service's form, and from exported graphs."""

import base64
import io
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from typer.testing import CliRunner

from striate import recognizer
from striate.cli import app
from striate.errors import ModelError, WeightsError
from striate.exporting import export
from striate.models import Normalization
from striate.ops.run_lengths import decoded, from_text
from striate.recognizer import Recognizer
from striate.serving.shapes import Answer as Shape
from striate.tasks.contract import Wanted
from striate.tasks.segmentation.crf import CRFSegmenter
from striate.tasks.segmentation.exported import ExportedSegmenter
from striate.tasks.segmentation.networks import network
from striate.tasks.segmentation.prediction import Answer
from striate.tasks.segmentation.reading import Reading
from striate.tasks.segmentation.segmenter import Segmenter
from striate.tasks.segmentation.task import Segmentation

TASK = Segmentation()
NAMES = ("ground", "square", "sky")
LABELS = np.array([[0, 0, 1, 1], [0, 0, 1, 2]], np.uint8)
NORMAL = Normalization((127.5,) * 3, (60.0,) * 3)
UNET = {"network": "unet", "width": 4, "depth": 2}


def segmenter(architecture=UNET, side=None):
    torch.manual_seed(0)
    model = network(architecture, 3)
    for parameter in model.parameters():
        if not parameter.abs().sum():
            nn.init.normal_(parameter, std=0.1)
    return Segmenter(model, dict(architecture), Reading(side, NORMAL), 3)


def picture(height, width):
    small = np.random.default_rng(0).integers(0, 256, (9, 11, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height)))


def test_a_mask_is_an_indexed_png():
    suffix, data = TASK.filed(TASK.predicted("a.jpg", Answer(LABELS), NAMES))
    image = Image.open(io.BytesIO(data))
    assert (suffix, image.mode) == (".png", "P")
    assert np.asarray(image).tolist() == LABELS.tolist()


def test_regions_have_boxes_and_masks():
    found = TASK.response(Answer(LABELS), NAMES, Wanted(shown={"square": "Quadrat"}))
    Shape.model_validate(found)
    _first, second, _third = found["regions"]
    assert [one["data"]["concepts"][0]["value"] for one in found["regions"]] == [0.5, 0.375, 0.125]
    assert second["data"]["concepts"][0]["name"] == "Quadrat"
    assert second["region_info"]["bounding_box"] == {
        "top_row": 0, "left_col": 0.5, "bottom_row": 1, "right_col": 1,
    }  # fmt: skip
    mask = second["region_info"]["mask"]
    lengths = from_text(mask["counts"])
    assert (decoded(lengths, *mask["size"]) == (LABELS == 1)).all()
    image = Image.open(io.BytesIO(base64.b64decode(mask["image"])))
    assert (np.asarray(image) == (LABELS == 1)).all()
    assert len(TASK.response(Answer(LABELS), NAMES, Wanted(most=1))["regions"]) == 1
    assert len(TASK.response(Answer(LABELS), NAMES, Wanted(least=0.2))["regions"]) == 2
    only = TASK.response(Answer(LABELS), NAMES, Wanted(only=frozenset({"sky"})))
    assert [one["data"]["concepts"][0]["id"] for one in only["regions"]] == ["sky"]


def test_arrays_of_a_batch():
    arrays = TASK.arrays([Answer(LABELS), Answer(LABELS[:, :1])], NAMES)
    assert arrays["labels"].tolist() == [0, 0, 1, 1, 0, 0, 1, 2, 0, 0]
    assert arrays["sizes"].tolist() == [[2, 4], [2, 1]]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A segmenter and its export, opened again."""
    pytest.importorskip("onnxruntime")
    mine = segmenter({"network": "unet", "width": 3, "depth": 1}, side=48)
    mine.reading = replace(mine.reading, evened=True)
    path = tmp_path_factory.mktemp("export") / "m.onnx"
    export(Recognizer(TASK, mine, NAMES, {}), path, to="onnx")
    return mine, recognizer.load(path)


def test_an_exported_graph_gives_the_same_classes(exported):
    mine, theirs = exported[0], exported[1].predictor
    for shape in ((70, 93), (33, 120), (17, 40)):
        pixels = picture(*shape)
        first, second = (one.predict([one.prepare(pixels)])[0] for one in (mine, theirs))
        assert (first.labels == second.labels).mean() > 0.999
        assert len(np.unique(first.labels)) > 1


def test_openvino_gives_the_same_classes_at_the_pictures_own_scale(tmp_path):
    pytest.importorskip("openvino")
    mine = segmenter({"network": "unet", "width": 3, "depth": 1})
    mine.reading = replace(mine.reading, evened=True)
    export(Recognizer(TASK, mine, NAMES, {}), tmp_path / "m.xml", to="openvino")
    theirs = recognizer.load(tmp_path / "m.xml").predictor
    pixels = picture(33, 46)
    first, second = (one.predict([one.prepare(pixels)])[0] for one in (mine, theirs))
    assert (first.labels == second.labels).mean() > 0.999
    assert len(np.unique(first.labels)) > 1


def test_an_export_is_opened_as_any_recognizer(exported):
    (said,) = exported[1].predict([picture(30, 40)])
    assert sum(each.share for each in said.areas) == pytest.approx(1)


def test_an_export_with_other_classes_is_refused(exported):
    theirs = ExportedSegmenter(exported[1].predictor.runtime, 1)
    with pytest.raises(WeightsError, match="does not answer with its classes"):
        theirs.predict([theirs.prepare(picture(30, 40))])


def test_what_cannot_be_exported_says_so():
    field = CRFSegmenter(network(UNET, 3), UNET, Reading(None, NORMAL), 3)
    with pytest.raises(ModelError, match="a field behind it, which is not a graph"):
        field.graph()
    with pytest.raises(ModelError, match="segnet cannot be exported"):
        segmenter({"network": "segnet", "stages": ((2,),)}).graph()


def test_from_the_command_line(tmp_path):
    mine = segmenter()
    Recognizer(TASK, mine, NAMES, {}).save(tmp_path / "m.safetensors")
    Image.fromarray(picture(30, 40)).save(tmp_path / "a.png")
    given = ["predict", str(tmp_path / "m.safetensors"), str(tmp_path / "a.png")]
    folders = ["--draw", str(tmp_path / "drawn"), "--save", str(tmp_path / "masks")]
    done = CliRunner().invoke(app, [*given, *folders, "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["saved"] == str(tmp_path / "masks" / "00001-a.png")
    assert said["drawn"] == str(tmp_path / "drawn" / "00001-a.png")
    expected = mine.predict([mine.prepare(picture(30, 40))])[0].labels
    with Image.open(tmp_path / "masks" / "00001-a.png") as image:
        assert np.asarray(image).tolist() == expected.tolist()
    with Image.open(tmp_path / "drawn" / "00001-a.png") as image:
        assert image.size == (40, 30)


def test_large_pictures_go_through_in_tiles():
    made = segmenter({"network": "hypercolumns", "backbone": "resnet18"})
    pixels = picture(40, 1100)
    (answer,) = made.predict([made.prepare(pixels)])
    assert answer.labels.shape == (40, 1100)
    whole = made.scores(pixels).argmax(0).numpy()
    assert (answer.labels == whole).mean() > 0.99
