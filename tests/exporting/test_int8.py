"""Convolutions in 8 bits: smaller, nearly as right, and told how nearly."""

import json

import numpy as np
import pytest

pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")

import torch

import striate
from striate import exporting
from striate.errors import DataError, UserError
from striate.images import View
from striate.models import create
from striate.recognizer import Exported, Recognizer
from striate.tasks import Classification
from striate.training import Preprocessing, fit, recipes


@pytest.fixture(scope="module")
def learned():
    """LeNet-5 after two epochs of digits."""
    data = striate.data.open("digits")
    view = View(28, channels=1, fit="squash")
    rule = Preprocessing(view, (80.0,), (90.0,))
    torch.manual_seed(0)
    model = create("lenet5")
    recipe = recipes.SCRATCH_SMALL.but(epochs=3)
    fit(model, Classification(data.classes, preprocessing=rule), data, recipe)
    return Recognizer(model.eval(), {"name": "lenet5", "options": {}}, rule, data.classes), data


def test_a_smaller_file_that_answers_nearly_as_well(learned, tmp_path):
    recognizer, data = learned
    path = tmp_path / "digits.onnx"
    card = exporting.export(recognizer, path, to="onnx")
    exact = Exported(path)([data.test.images[k] for k in range(60)])
    whole = path.read_bytes()
    cost = exporting.round_with(path, data)
    assert cost.bytes_before == len(whole)
    assert cost.bytes_after == path.stat().st_size
    assert path.read_bytes() != whole
    assert cost.images == len(data.test)
    assert cost.before > 0.8
    assert abs(cost.before - cost.after) < 0.05
    assert cost.agreement > 0.93
    rounded = Exported(path)([data.test.images[k] for k in range(60)])
    shares = np.array([[p.labels[0].probability for p in each] for each in (exact, rounded)])
    assert 0 < np.abs(shares[0] - shares[1]).max() < 0.5  # it is rounded, and not broken
    exporting.add_cost(card, cost)
    assert "## Rounding" in card.read_text()
    assert f"top-1 {100 * cost.before:.1f} % to" in card.read_text()
    assert json.loads(json.dumps(cost.to_json()))["images"] == cost.images


def test_what_cannot_be_rounded(learned, tmp_path):
    _, data = learned
    with pytest.raises(UserError, match=r"8 bits are for \.onnx files, not 'a\.xml'"):
        exporting.round_to_int8(tmp_path / "a.xml", [1], [1], ["x"])
    with pytest.raises(UserError, match="need pictures"):
        exporting.round_to_int8(tmp_path / "a.onnx", [], [], [])
    assert len(data)


def test_pictures_of_other_classes(learned, tmp_path):
    recognizer, _ = learned
    path = tmp_path / "digits.onnx"
    exporting.export(recognizer, path, to="onnx")
    before = path.read_bytes()
    folder = tmp_path / "animals"
    from PIL import Image

    for kind in ("cat", "dog"):
        (folder / kind).mkdir(parents=True)
        for number in range(6):
            Image.new("RGB", (20, 20), (number * 20, 0, 0)).save(folder / kind / f"{number}.png")
    with pytest.raises(DataError, match="does not know the class 'cat'"):
        exporting.round_with(path, striate.data.open(folder))
    assert path.read_bytes() == before
