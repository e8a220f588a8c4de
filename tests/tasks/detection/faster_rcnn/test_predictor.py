"""Files of Faster R-CNN that ask for nonsense are refused before memory is taken."""

import json
from dataclasses import asdict
from typing import Any

import pytest
import torch

from striate.errors import StriateError
from striate.models.regions import Settings
from striate.tasks.detection.faster_rcnn.predictor import FasterRCNNPredictor

SMALL: dict[str, Any] = json.loads(
    json.dumps(
        {
            "backbone": "resnet18",
            "pyramid": True,
            "width": 8,
            "hidden": 8,
            "smallest": [16.0, 32.0],
            "settings": asdict(Settings()),
        }
    )
)
NORMALIZATION = {"mean": [0.0] * 3, "std": [1.0] * 3, "bgr": False}
SCALING = {"side": 64, "normalization": NORMALIZATION, "stretched": False, "bits": None}


@pytest.fixture(scope="module")
def stored() -> dict[str, torch.Tensor]:
    return FasterRCNNPredictor.network(SMALL, 2).state_dict()


def test_it_is_restored(stored: dict[str, torch.Tensor]) -> None:
    header = {"architecture": SMALL, "scaling": SCALING}
    one = FasterRCNNPredictor.restored(stored, header, ("a", "b"))
    assert json.loads(json.dumps(one.header())) == header
    assert (one.size, one.classes) == (64, 2)


@pytest.mark.parametrize(
    "change",
    [
        {"backbone": "x"}, {"backbone": 7}, {"backbone": "resnet34"}, {"pyramid": 1},
        {"pyramid": False}, {"width": 10**9}, {"width": 8.0}, {"width": True}, {"hidden": 0},
        {"smallest": []}, {"smallest": [1.0] * 65}, {"smallest": [0.0, 1.0]}, {"smallest": 8},
        {"smallest": ["a", "b"]}, {"smallest": [1.0, float("nan")]}, {"more": 1},
        {"settings": {}}, {"settings": None},
    ],
    ids=str,
)  # fmt: skip
def test_absurd_architectures(stored: dict[str, torch.Tensor], change: dict[str, Any]) -> None:
    header = {"architecture": {**SMALL, **change}, "scaling": SCALING}
    with pytest.raises((ValueError, LookupError, TypeError, StriateError)) as caught:
        FasterRCNNPredictor.restored(stored, header, ("a", "b"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"before": 10**9}, {"before": -1}, {"after": 2.5}, {"most": True}, {"least": "x"},
        {"least": float("nan")}, {"nms_overlap": 2}, {"proposal_nms_overlap": None},
        {"sizes": []}, {"ratios": [0]}, {"more": 1},
    ],
    ids=str,
)  # fmt: skip
def test_absurd_settings(stored: dict[str, torch.Tensor], change: dict[str, Any]) -> None:
    settings = {**SMALL["settings"], **change}
    header = {"architecture": {**SMALL, "settings": settings}, "scaling": SCALING}
    with pytest.raises((ValueError, LookupError, TypeError, StriateError)):
        FasterRCNNPredictor.restored(stored, header, ("a", "b"))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite(stored: dict[str, torch.Tensor], value: float) -> None:
    weights = {name: tensor.clone() for name, tensor in stored.items()}
    weights["head.fc7.bias"][3] = value
    header = {"architecture": SMALL, "scaling": SCALING}
    with pytest.raises(ValueError, match=r"head.fc7.bias holds numbers that are not finite"):
        FasterRCNNPredictor.restored(weights, header, ("a", "b"))


def test_tensors_of_another_form(stored: dict[str, torch.Tensor]) -> None:
    header = {"architecture": SMALL, "scaling": SCALING}
    for change in (torch.zeros(9), torch.zeros(8).double()):
        with pytest.raises(ValueError, match=r"its tensor head\.fc7\.bias is"):
            FasterRCNNPredictor.restored({**stored, "head.fc7.bias": change}, header, ("a", "b"))
    with pytest.raises(ValueError, match="no tensor more, or one too many"):
        FasterRCNNPredictor.restored({**stored, "more": torch.zeros(1)}, header, ("a", "b"))
    with pytest.raises(ValueError, match="its tensor head"):
        FasterRCNNPredictor.restored(stored, header, ("a", "b", "c"))
