"""The report's sections of detection, as a page would show them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch

from striate import pages
from striate.data import Dataset
from striate.data.boxes import Boxes
from striate.handcrafted.deformable import Component
from striate.handcrafted.pyramid import DEPTH
from striate.tasks.contract import Section, asked
from striate.tasks.detection.dpm.predictor import DPMPredictor
from striate.tasks.detection.scores import scored
from striate.tasks.detection.sections import parts, sections
from striate.tasks.detection.task import Detection


@dataclass
class Bag:
    """Whatever a comparison has under these names."""

    values: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        return self.values[name]


def page(some: Sequence[Section]) -> str:
    return "\n".join(pages.fragment(Detection.package, one.template, one.values) for one in some)


@pytest.fixture
def comparison(shapes: Dataset[Boxes], knowing: Any) -> Bag:
    """One predictor that finds all, and one that finds half, on twelve test images."""
    data = replace(shapes, split=np.full(len(shapes), 2, np.int8))
    rows = []
    for title, share in (("<u>half</u>", 0.5), ("all", 1.0)):
        predictor = knowing(data, share)
        scores = scored(asked(predictor, data, range(12)), data, data.classes)
        recognizer = Bag({"predictor": predictor})
        chosen = Bag({"scores": scores, "data": Bag({"dataset": data})})
        rows.append(Bag({"title": title, "chosen": chosen, "recognizer": recognizer}))
    return Bag({"dataset": data, "rows": rows, "best": rows[1]})


def test_the_page(comparison: Bag) -> None:
    data = comparison.dataset
    text = page(list(sections(comparison)))
    assert text.count("<polyline") == 2 * len(data.classes)
    assert text.count("<img") == 6
    assert "What all detects in test images" in text
    count = sum(len(each) for each in data.targets.objects)
    assert f"<td>all</td><td>1.00</td><td>{count}</td><td>0</td>" in text
    assert "0 right, 0 wrong, 0 missed" in text  # the picture without anything
    assert "<u>" not in text
    assert "&lt;u&gt;half&lt;/u&gt;" in text
    assert "deformable part models" not in text


def test_part_models_are_shown_once() -> None:
    one = Component(0, torch.ones(DEPTH, 3, 3), 0.0, (9.0, 9.0))
    models = [DPMPredictor((one,), torch.ones(1, 2).double())] * 2
    text = page(list(parts(models, ("a",))))
    assert text.count("roots, parts and deformation costs of the part models") == 1
