"""Part models as a predictor: pictures of any size, and files that are refused where damaged."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from striate.errors import ModelError
from striate.handcrafted.deformable import Component
from striate.handcrafted.pyramid import DEPTH
from striate.tasks.detection.dpm.predictor import DPMPredictor

NAMES = ("a", "b")


def component(kind: int = 0, parts: int = 2) -> Component:
    return Component(
        kind,
        torch.randn(DEPTH, 3, 4),
        0.5,
        (20.0, 40.0),
        torch.randn(parts, DEPTH, 3, 3),
        torch.tensor([[0, 0], [5, 3]])[:parts],
        torch.tensor([0.0, 0.0, 0.1, 0.1]).repeat(parts, 1),
        torch.zeros(4, 1 + 2 * parts),
    )


def predictor() -> DPMPredictor:
    return DPMPredictor(
        (component(0), component(1, 0)), torch.tensor([[2.0, 0.5], [1.0, -1.0]]).double()
    )


@pytest.mark.parametrize("size", [(1, 1), (1, 1000), (20, 20), (700, 9), (64, 64)])
def test_pictures_of_any_size(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    one = predictor().detections(pixels)
    assert one.boxes.shape == (len(one.scores), 4)
    assert bool((one.boxes >= 0).all())
    assert bool((one.boxes[:, 2] <= size[1]).all())
    assert bool((one.boxes[:, 3] <= size[0]).all())


def test_two_classes_at_one_place_are_both_detected_the_more_probable_first() -> None:
    one = replace(component(0, 0), bias=50.0)
    both = DPMPredictor(
        (one, replace(one, kind=1)), torch.tensor([[0.01, -2.0], [0.01, 2.0]]).double()
    )
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    found = both.detections(pixels)
    count = len(found.classes) // 2
    assert found.classes.tolist() == [1] * count + [0] * count
    assert torch.equal(found.boxes[:count], found.boxes[count:])
    assert bool((found.scores.diff() <= 0).all())


def damaged(header: dict[str, Any], tensors: dict[str, Tensor], name: str, value: object) -> None:
    if name in tensors or isinstance(value, Tensor):
        tensors[name] = value  # type: ignore[assignment]
    else:
        header["components"][0][name] = value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kind", 2),
        ("kind", -1),
        ("kind", True),
        ("kind", "0"),
        ("bias", float("nan")),
        ("bias", 10**400),
        ("bias", None),
        ("bias", True),
        ("bias", "1"),
        ("sides", [0.0, 40.0]),
        ("sides", [50.0, 40.0]),
        ("sides", [1.0, float("inf")]),
        ("sides", [20.0]),
        ("calibration", torch.zeros(3, 2).double()),
        ("calibration", torch.zeros(2, 2)),
        ("calibration", torch.full((2, 2), torch.nan).double()),
        ("0.root", torch.zeros(DEPTH, 3)),
        ("0.root", torch.zeros(DEPTH, 1, 1)),
        ("0.root", torch.zeros(DEPTH, 3, 65)),
        ("0.root", torch.zeros(DEPTH, 0, 3)),
        ("0.root", torch.zeros(31, 3, 4)),
        ("0.root", torch.full((DEPTH, 3, 4), torch.inf)),
        ("0.parts", torch.zeros(())),
        ("0.parts", torch.zeros(2, DEPTH, 3, 4)),
        ("0.parts", torch.zeros(2, DEPTH, 7, 7)),
        ("0.parts", torch.zeros(65, DEPTH, 1, 1)),
        ("0.parts", torch.zeros(2, DEPTH, 0, 0)),
        ("0.costs", torch.zeros(2, 4)),
        ("0.costs", torch.zeros(1, 4)),
        ("0.anchors", torch.tensor([[0, 0], [6, 3]])),
        ("0.anchors", torch.tensor([[0, -1], [5, 3]])),
        ("0.anchors", torch.tensor([[0.0, 0.0], [5.0, 3.0]])),
        ("0.outline", torch.zeros(4, 4)),
        ("0.outline", torch.full((4, 5), torch.nan)),
        ("2.root", torch.zeros(1)),
    ],
)
def test_damaged_files_are_refused(name: str, value: object) -> None:
    tensors, header = predictor().tensors(), predictor().header()
    DPMPredictor.restored(tensors, header, NAMES)
    damaged(header, tensors, name, value)
    with pytest.raises((ValueError, LookupError, TypeError, RuntimeError)) as caught:
        DPMPredictor.restored(tensors, header, NAMES)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "header", [{}, {"components": None}, {"components": [3, 4]}, {"components": []}]
)
def test_headers_of_something_else_are_refused(header: dict[str, Any]) -> None:
    with pytest.raises((ValueError, LookupError, TypeError)):
        DPMPredictor.restored(predictor().tensors(), header, NAMES)


def test_it_is_not_a_graph() -> None:
    with pytest.raises(ModelError, match=r"a pyramid.*keep its \.safetensors file") as caught:
        predictor().graph()
    assert "\n" not in str(caught.value)


def test_answers_know_the_size_of_their_picture() -> None:
    one = predictor()
    (answer,) = one.predict([one.prepare(np.zeros((40, 30, 3), np.uint8))])
    assert (answer.height, answer.width) == (40, 30)
