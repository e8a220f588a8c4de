"""R-CNN as a predictor: kept in a file, refused where damaged, not a graph."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from striate.data import Dataset
from striate.data.boxes import Boxes
from striate.errors import ModelError, UnknownName
from striate.handcrafted.selective_search import Strategies
from striate.tasks.detection.rcnn.classifiers import Classifiers
from striate.tasks.detection.rcnn.features import RegionFeatures
from striate.tasks.detection.rcnn.predictor import RCNNPredictor
from striate.tasks.detection.rcnn.settings import RegionSettings

SMALL = RegionSettings(side=32, regions=60, strategies=Strategies(side=90, scales=(20,)))
NAMES = ("a", "b")


@pytest.fixture
def predictor() -> RCNNPredictor:
    """One that has learned nothing."""
    torch.manual_seed(0)
    extractor = RegionFeatures.of("efficientnet_lite0", None, SMALL)
    width = extractor.network.width
    classifiers = Classifiers.empty(torch.zeros(width), torch.ones(width), 2)
    classifiers.svm.normal_()
    classifiers.known[:] = True
    return RCNNPredictor(extractor, classifiers, 0.4)


def test_the_file_answers_the_same(shapes: Dataset[Boxes], predictor: RCNNPredictor) -> None:
    header = json.loads(json.dumps(predictor.header()))
    again = RCNNPredictor.restored(predictor.tensors(), header, NAMES)
    assert predictor.kind == again.kind == "rcnn"
    assert again.parameters == predictor.parameters > 100_000
    pixels = predictor.prepare(shapes.inputs[int(np.flatnonzero(shapes.split == 0)[1])])
    (one,), (other,) = predictor.predict([pixels]), again.predict([pixels])
    assert (one.height, one.width) == (90, 120)
    assert len(one.detections.boxes)
    for name in ("boxes", "scores", "classes"):
        assert torch.equal(getattr(one.detections, name), getattr(other.detections, name))
    assert (one.detections.scores[:-1] >= one.detections.scores[1:]).all()


def test_it_is_not_a_graph(predictor: RCNNPredictor) -> None:
    with pytest.raises(ModelError, match=r"a search.*keep its \.safetensors file") as caught:
        predictor.graph()
    assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match="rcnn is computed by torch alone"):
        predictor.computed_by("onnxruntime")


def tensor(name: str, change: Callable[[Tensor], Tensor]) -> Callable[[dict, dict], None]:
    def apply(tensors: dict, header: dict) -> None:
        tensors[name] = change(tensors[name])

    return apply


def header(**values: Any) -> Callable[[dict, dict], None]:
    return lambda tensors, known: known.update(values)


def normalized(mean: float, std: float, channels: int = 3, bgr: Any = False) -> dict[str, Any]:
    return {"mean": [mean] * channels, "std": [std] * channels, "bgr": bgr}


WEIGHT = "network.backbone.stages.stem.0.weight"
HOSTILE: dict[str, Callable[[dict, dict], None]] = {
    "network": header(network="os.system"),
    "network as number": header(network=7),
    "other network": header(network="vgg16"),
    "suppression": header(nms_overlap=7),
    "suppression as text": header(nms_overlap="0.3"),
    "suppression as flag": header(nms_overlap=True),
    "suppression by no number": header(nms_overlap=float("nan")),
    "one channel": header(normalization=normalized(1.0, 1.0, 1)),
    "divided by nothing": header(normalization=normalized(1.0, 0.0)),
    "not a mean": header(normalization=normalized(float("nan"), 1.0)),
    "not a flag": header(normalization=normalized(1.0, 1.0, bgr="no")),
    "settings": header(settings={"side": 10**9}),
    "nothing": lambda tensors, known: known.clear(),
    "more": lambda tensors, known: tensors.update(other=torch.zeros(1)),
    "less": lambda tensors, known: tensors.pop("classifiers.svm"),
    "narrow": tensor("classifiers.svm", lambda value: value[:, :-1]),
    "classes": tensor("classifiers.regression", lambda value: value.repeat(2, 1, 1)),
    "double": tensor("classifiers.mean", lambda value: value.double()),
    "not finite": tensor("classifiers.svm", lambda value: value / 0),
    "a weight that is not finite": tensor(WEIGHT, lambda value: value * torch.nan),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_damaged_files_are_refused(name: str, predictor: RCNNPredictor) -> None:
    tensors, known = dict(predictor.tensors()), json.loads(json.dumps(predictor.header()))
    HOSTILE[name](tensors, known)
    with pytest.raises((ValueError, LookupError, TypeError, UnknownName)) as caught:
        RCNNPredictor.restored(tensors, known, NAMES)
    assert "\n" not in str(caught.value)
