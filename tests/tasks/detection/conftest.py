"""A folder of squares and discs on clouds, as PASCAL VOC would have it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torch import nn

import striate.data
from striate.data.boxes import BoxedDataset
from striate.models import yolo
from striate.models.efficientnet import convolution
from striate.models.faster_rcnn import Backbone, FasterRCNN
from striate.models.fpn import Pyramid
from striate.models.regions import BoxHead, ProposalNetwork, Settings
from striate.models.stages import Stages
from striate.tasks.detection import Detector, Scaling, exporting, faster_rcnn, rcnn_tuning
from striate.tasks.detection import yolo as yolo_finder
from striate.tasks.detection.networks import NetworkFinder


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """An epoch shows few pictures: of eight of them hundreds teach nothing that is asked here."""
    for module in (faster_rcnn, yolo_finder, rcnn_tuning):
        monkeypatch.setattr(module, "EPOCH", 24)


@pytest.fixture
def shapes(tmp_path: Path) -> BoxedDataset:
    root = tmp_path / "shapes"
    (root / "Annotations").mkdir(parents=True)
    (root / "JPEGImages").mkdir()
    random = np.random.default_rng(0)
    for number in range(12):
        clouds = random.integers(90, 160, (6, 8, 3), dtype=np.uint8)  # no picture like another
        image = Image.fromarray(clouds).resize((120, 90), Image.Resampling.BICUBIC)
        pen, things = ImageDraw.Draw(image), ""
        for place in range(number % 3):
            x, y = (int(v) for v in random.integers(2, 20, 2) + np.array([55 * place, 20]))
            side = int(random.integers(25, 35))
            kind = ("square", "disc")[(number + place) % 2]
            draw = pen.rectangle if kind == "square" else pen.ellipse
            draw((x, y, x + side, y + side), fill=("red", "blue")[(number + place) % 2])
            things += (
                f"<object><name>{kind}</name><bndbox><xmin>{x + 1}</xmin><ymin>{y + 1}</ymin>"
                f"<xmax>{x + side}</xmax><ymax>{y + side}</ymax></bndbox></object>"
            )
        image.save(root / "JPEGImages" / f"{number}.jpg", quality=95)
        (root / "Annotations" / f"{number}.xml").write_text(f"<annotation>{things}</annotation>")
    data = striate.data.open(root)
    assert isinstance(data, BoxedDataset)
    return data


class Tiny(NetworkFinder):
    """Faster R-CNN or YOLO over four convolutions: for tests of what is exported."""

    kind = "tiny"

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
            model = FasterRCNN(
                Backbone(trunk, levels, "one"),
                Pyramid([8, 12][-len(levels) :], width=10),
                ProposalNetwork(10, strides, [4.0 * each for each in strides], few),
                BoxHead(10, strides, classes, few, hidden=24),
            )
        for layer in model.modules():  # so that things are found, no two of them equally sure
            if isinstance(layer, nn.BatchNorm2d):
                nn.init.uniform_(layer.weight, 0.5, 3.0)
                nn.init.normal_(layer.bias)
            elif isinstance(layer, nn.Conv2d | nn.Linear) and layer.weight.std() < 0.02:
                nn.init.normal_(layer.weight, std=0.3)
        return model.eval()


@pytest.fixture(scope="session")
def tiny() -> Callable[[str], Tiny]:
    """`tiny(kind)`: a finder that learned nothing but finds things; its kind is "pyramid", "single"
    or "yolo"."""

    def make(kind: str) -> Tiny:
        torch.manual_seed(0)
        scaling = Scaling(64, (120.0, 110.0, 100.0), (60.0, 61.0, 62.0), True, kind == "yolo")
        return Tiny(Tiny.network({"kind": kind}, 3), {"kind": kind}, scaling)

    return make


@pytest.fixture(scope="session", params=["pyramid", "yolo"])
def exported(
    request: pytest.FixtureRequest,
    tiny: Callable[[str], Tiny],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Detector, Path]:
    """A detector, and the file it was exported to."""
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package)
    detector = Detector(tiny(request.param), ("ant", "bee", "<script>*"), {"data": "insects"})
    path = tmp_path_factory.mktemp(request.param) / "insects.onnx"
    exporting.export(detector, path)
    return detector, path
