"""Convolutions in 8 bits: smaller, nearly as right, and measured how nearly."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")

import torch
from PIL import Image
from torch import nn

import striate
from striate import exporting
from striate.errors import DataError, ModelError, UserError
from striate.exporting.int8 import quantize, rounded_layers, thinned
from striate.images import View
from striate.inference import Preprocessing
from striate.inference.conversion import to_onnx
from striate.inference.program import Graph
from striate.models import Normalization, create
from striate.recognizer import Recognizer
from striate.tasks.classification.network import Network
from striate.tasks.classification.problem import ClassificationProblem
from striate.tasks.table import TASKS
from striate.training import fit, recipes


@pytest.fixture(scope="module")
def learned():
    """LeNet-5 after three epochs of digits."""
    data = striate.open("digits")
    rule = Preprocessing(View(28, channels=1, fit="squash"), Normalization((80.0,), (90.0,)))
    torch.manual_seed(0)
    model = create("lenet5")
    recipe = recipes.SCRATCH_SMALL.but(epochs=3)
    fit(model, ClassificationProblem(data.classes, preprocessing=rule), data, recipe)
    predictor = Network(
        model=model.eval(),
        architecture={"name": "lenet5", "options": {}},
        preprocessing=rule,
        classes=len(data.classes),
    )
    return Recognizer(TASKS["classification"], predictor, data.classes), data


@pytest.fixture(scope="module")
def written(learned, tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("digits") / "digits.onnx"
    exporting.export(learned[0], path, to="onnx")
    return path.read_bytes()


def test_a_smaller_file_that_answers_nearly_as_well(learned, written, tmp_path):
    _, data = learned
    path = tmp_path / "digits.onnx"
    path.write_bytes(written)
    some = [data.test.inputs[k] for k in range(60)]
    exact = striate.load(path)(some)
    cost = exporting.round_with(path, data)
    assert (cost.bytes_before, cost.bytes_after) == (len(written), path.stat().st_size)
    assert cost.bytes_after < cost.bytes_before
    assert cost.examples == len(data.test)
    assert cost.calibrated == 96  # every third of 287
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert cost.score == "top-1"
    assert cost.before > 0.8
    assert abs(cost.before - cost.after) < 0.05
    assert cost.times > 0
    assert cost.interval[0] <= cost.after - cost.before <= cost.interval[1]
    rounded = striate.load(path)(some)
    shares = np.array([[p.labels[0].probability for p in each] for each in (exact, rounded)])
    assert 0 < np.abs(shares[0] - shares[1]).max() < 0.5  # it is rounded, and not broken
    assert path.stat().st_size != len(written)
    assert json.loads(json.dumps(cost.to_json()))["examples"] == cost.examples


def test_the_cost_on_the_card(tmp_path):
    card = tmp_path / "a.md"
    card.write_text("# a\n")
    sizes = 4_000_000, 1_200_000
    cost = exporting.Cost(500, "top-1", 0.931, 0.925, (-0.012, 0.002), *sizes, 1.84, 90)
    exporting.add_cost(card, cost)
    assert card.read_text() == (
        "# a\n\n## Rounding\n\n8 bits: 4.0 to 1.2 MB, 1.8 times as fast on this processor; "
        "top-1 93.1 % to 92.5 % on 500 test examples, a change of -1.2 to +0.2 points (95 %); "
        "the ranges are those of 90 validation examples.\n"
    )
    assert "to 1.2 MB, no faster on this processor; top-1" in str(replace(cost, times=0.97))


def test_rows_are_spread_over_all_classes(learned):
    """Sets are often sorted by class."""
    assert thinned(np.arange(1000), 100) == list(range(0, 1000, 10))
    assert thinned(np.array([4, 9]), 100) == [4, 9]
    assert len(thinned(np.arange(1001), 100)) <= 100
    assert thinned(np.zeros(0, np.int64), 100) == []


def test_what_cannot_be_rounded(learned, written, tmp_path):
    _, data = learned
    with pytest.raises(UserError, match=r"8 bits are for \.onnx files, not 'a\.xml'"):
        exporting.round_with(tmp_path / "a.xml", data)
    path = tmp_path / "digits.onnx"
    path.write_bytes(written)
    for split in (np.zeros(len(data), np.int8), np.where(data.split == 1, 1, 0).astype(np.int8)):
        with pytest.raises(DataError, match="8 bits need validation examples and test examples"):
            exporting.round_with(path, replace(data, split=split))
    assert path.read_bytes() == written


def test_a_network_without_convolutions(tmp_path):
    onnx = pytest.importorskip("onnx")
    node = onnx.helper.make_node("Relu", ["image"], ["out"])
    ends = [onnx.helper.make_tensor_value_info(name, 1, [1]) for name in ("image", "out")]
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "flat", ends[:1], ends[1:]))
    (tmp_path / "flat.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match="no convolution that could be rounded"):
        quantize(tmp_path / "flat.onnx", tmp_path / "rounded.onnx", iter(()))
    assert not (tmp_path / "rounded.onnx").exists()


class Residual(nn.Module):
    """Three convolutions with ReLU6, one without, the sum of the last two, and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU6())
        self.first = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU6())
        self.second = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.ReLU6())
        self.third, self.last = nn.Conv2d(4, 4, 1), nn.Linear(4, 2)

    def forward(self, x):
        y = self.first(self.stem(x / 255))
        return self.last((y + self.third(self.second(y))).mean((2, 3)))


def test_what_lies_between_convolutions_is_rounded_with_them():
    torch.manual_seed(0)
    images = torch.zeros(2, 3, 8, 8)
    model = to_onnx(Graph(Residual().eval(), (images,), {"images": {0: "N"}}, ("outputs",)))
    kinds = {node.name: node for node in model.graph.node}
    layers = [kinds[name] for name in rounded_layers(model.graph)]
    assert [each.op_type for each in layers] == ["Conv", "Clip", "Conv", "Clip", "Conv", "Add"]
    stem, first, depthwise, last = (each for each in model.graph.node if each.op_type == "Conv")
    assert stem not in layers  # it reads three channels at a time; so does none before the first
    assert [first, depthwise, last] == [each for each in layers if each.op_type == "Conv"]
    constants = {each.output[0] for each in model.graph.node if each.op_type == "Constant"}
    assert all(constants.issuperset(each.input[1:]) for each in layers if each.op_type == "Clip")


def test_pictures_of_other_classes(written, tmp_path):
    path = tmp_path / "digits.onnx"
    path.write_bytes(written)
    folder = pictures(tmp_path / "animals", ("cat", "dog"))
    with pytest.raises(DataError, match="does not know the class 'cat'"):
        exporting.round_with(path, striate.open(folder))
    assert path.read_bytes() == written


def test_pictures_that_cannot_be_read(written, tmp_path):
    """Those that give ranges are left out; if none is left, nothing is rounded."""
    path = tmp_path / "digits.onnx"
    path.write_bytes(written)
    folder = pictures(tmp_path / "some", ("3", "7"))
    data = striate.open(folder)
    files = [Path(data.inputs.path(row)) for row in np.flatnonzero(data.split == 1)]
    for file in files[1:]:
        file.write_bytes(b"no picture")
    assert exporting.round_with(path, data).examples == (data.split == 2).sum()
    path.write_bytes(written)
    files[0].write_bytes(b"no picture")
    with pytest.raises(DataError, match="no validation example can be read: not an image"):
        exporting.round_with(path, data)
    assert path.read_bytes() == written


def pictures(folder: Path, names: tuple[str, ...]) -> Path:
    for kind in names:
        (folder / kind).mkdir(parents=True)
        for number in range(10):
            Image.new("RGB", (20, 20), (number * 20, 0, 0)).save(folder / kind / f"{number}.png")
    return folder
