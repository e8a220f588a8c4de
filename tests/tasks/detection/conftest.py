"""A folder of squares and discs on clouds, as PASCAL VOC would have it; detectors that learned
nothing."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torch import nn

import striate.data
from striate.data import Dataset
from striate.data.boxes import Boxes
from striate.models import Normalization, yolo
from striate.models.backbone import Backbone
from striate.models.efficientnet import convolution
from striate.models.faster_rcnn import FasterRCNN
from striate.models.fpn import Pyramid
from striate.models.matching import Detections
from striate.models.regions import BoxHead, ProposalNetwork, Settings
from striate.models.stages import Stages
from striate.recognizer import Recognizer
from striate.tasks.contract import Predictor
from striate.tasks.detection.faster_rcnn import method as faster_rcnn
from striate.tasks.detection.networks import NetworkPredictor
from striate.tasks.detection.prediction import Answer
from striate.tasks.detection.rcnn import tuning
from striate.tasks.detection.reading import Read, read
from striate.tasks.detection.scaling import Scaling
from striate.tasks.detection.task import Detection
from striate.tasks.detection.yolo import method as yolo_method


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """An epoch shows few pictures: of eight of them hundreds teach nothing that is tested here."""
    for module in (faster_rcnn, yolo_method, tuning):
        monkeypatch.setattr(module, "SHOWN", 24)


@pytest.fixture
def shapes(tmp_path: Path) -> Dataset[Boxes]:
    root = tmp_path / "shapes"
    (root / "Annotations").mkdir(parents=True)
    (root / "JPEGImages").mkdir()
    random = np.random.default_rng(0)
    for number in range(12):
        clouds = random.integers(90, 160, (6, 8, 3), dtype=np.uint8)  # no picture like another
        image = Image.fromarray(clouds).resize((120, 90), Image.Resampling.BICUBIC)
        pen, objects = ImageDraw.Draw(image), ""
        for place in range(number % 3):
            x, y = (int(v) for v in random.integers(2, 20, 2) + np.array([55 * place, 20]))
            side = int(random.integers(25, 35))
            kind = ("square", "disc")[(number + place) % 2]
            draw = pen.rectangle if kind == "square" else pen.ellipse
            draw((x, y, x + side, y + side), fill=("red", "blue")[(number + place) % 2])
            objects += (
                f"<object><name>{kind}</name><bndbox><xmin>{x + 1}</xmin><ymin>{y + 1}</ymin>"
                f"<xmax>{x + side}</xmax><ymax>{y + side}</ymax></bndbox></object>"
            )
        image.save(root / "JPEGImages" / f"{number}.jpg", quality=95)
        (root / "Annotations" / f"{number}.xml").write_text(f"<annotation>{objects}</annotation>")
    return striate.data.open(root)


class Knowing(Predictor):
    """Knows the truth by the bytes of a picture, and finds a share of it."""

    kind, parameters = "knowing", 7

    def __init__(self, data: Dataset[Boxes], share: float):
        self.known = {data.inputs[row].tobytes(): row for row in range(len(data))}
        self.objects, self.share = data.targets.objects, share

    def prepare(self, item: Any) -> Read:
        return read(item)

    def predict(self, batch: Any) -> list[Answer]:
        answers = []
        for pixels, source in batch:
            row = self.known[pixels.tobytes()]
            marked = self.objects[row]
            kept = np.random.default_rng(row).random(len(marked)) < self.share
            boxes = torch.from_numpy(marked.boxes[kept])
            classes = torch.from_numpy(marked.classes[kept])
            one = Detections(boxes, classes, torch.ones(len(boxes)))
            answers.append(Answer.of(one, source))
        return answers

    def tensors(self) -> dict[str, Any]:
        return {}

    def header(self) -> dict[str, Any]:
        return {}

    @classmethod
    def restored(cls, tensors: Any, header: Any, names: Any) -> "Knowing":
        raise ValueError("it is not kept")


@pytest.fixture(scope="session")
def knowing() -> type[Knowing]:
    """`knowing(data, share)`: a predictor that finds that share of what is marked."""
    return Knowing


class Tiny(NetworkPredictor):
    """Faster R-CNN or YOLO over four convolutions: for tests of graphs."""

    kind = "faster_rcnn"

    @staticmethod
    def network(architecture: dict[str, Any], classes: int) -> nn.Module:
        wide = nn.Sequential(*(convolution(a, b, 3, 2) for a, b in ((3, 8), (8, 8), (8, 8))))
        stages = {"one": wide, "two": convolution(8, 12, 5, 2), "last": nn.Linear(12, 2)}
        trunk = Stages(stages, channels=3)
        if architecture["kind"] == "yolo":
            settings = yolo.Settings(side=64, grid=4, least=0.05)
            detecting = yolo.Convolved(12, settings, classes)
            model: nn.Module = yolo.YOLO(
                Backbone(trunk, ["two"], "one"), detecting, settings, classes=classes
            )
        else:
            several = architecture["kind"] == "pyramid"
            levels, strides = (["one", "two"], (8, 16)) if several else (["two"], (16,))
            few = Settings(before=40, after=20, most=12)
            width = 10 if several else 12
            model = FasterRCNN(
                Backbone(trunk, levels, "one"),
                Pyramid([8, 12], width=width) if several else nn.Identity(),
                ProposalNetwork(width, strides, [4.0 * each for each in strides], few, width=14),
                BoxHead(
                    width, strides, classes, few, hidden=24, pooling="align" if several else "max"
                ),
            )
        for layer in model.modules():  # so that objects are found, no two of one score
            if isinstance(layer, nn.BatchNorm2d):
                nn.init.uniform_(layer.weight, 0.5, 3.0)
                nn.init.normal_(layer.bias)
            elif isinstance(layer, nn.Conv2d | nn.Linear) and layer.weight.std() < 0.02:
                nn.init.normal_(layer.weight, std=0.3)
        return model.eval()


@pytest.fixture(scope="session")
def tiny() -> Callable[[str], Tiny]:
    """`tiny(kind)`: a predictor that learned nothing but finds objects of three classes; its kind
    is "pyramid", "single" or "yolo"."""

    def make(kind: str) -> Tiny:
        torch.manual_seed(0)
        normalization = Normalization((120.0, 110.0, 100.0), (60.0, 61.0, 62.0), True)
        scaling = Scaling(64, normalization, kind == "yolo")
        return Tiny(Tiny.network({"kind": kind}, 3), {"kind": kind}, scaling, 3)

    return make


NAMES = ("ant", "bee", "<script>*")


@pytest.fixture(scope="session")
def file_of(
    tiny: Callable[[str], Tiny], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], tuple[Recognizer, Path]]:
    """`file_of("yolo")`: the recognizer of that kind, and the file it was exported to, once."""
    from striate.exporting import export

    @functools.cache
    def make(kind: str) -> tuple[Recognizer, Path]:
        for package in ("onnx", "onnxscript", "onnxruntime"):
            pytest.importorskip(package)
        recognizer = Recognizer(Detection(), tiny(kind), NAMES, {"data": {"name": "insects"}})
        path = tmp_path_factory.mktemp(kind) / "insects.onnx"
        export(recognizer, path, to="onnx")
        return recognizer, path

    return make


@pytest.fixture(params=["pyramid", "single", "yolo"])
def exported(
    request: pytest.FixtureRequest, file_of: Callable[[str], tuple[Recognizer, Path]]
) -> tuple[Recognizer, Path]:
    """A recognizer of each kind, and the file it was exported to."""
    return file_of(request.param)
