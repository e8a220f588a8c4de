"""Regions in Clarifai's form, and arrays of a batch."""

import numpy as np
import pytest
import torch

from striate.models.matching import Detections
from striate.tasks.contract import Wanted
from striate.tasks.detection.prediction import Answer
from striate.tasks.detection.response import OUTPUTS, arrays, regions

NAMES = ("ant", "bee")
NONE = Answer(
    Detections(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long), torch.zeros(0)), 10, 10
)
ANSWER = Answer(
    Detections(
        torch.tensor([[30.0, 9.0, 60.0, 45.0], [0.0, 0.0, 120.0, 90.0], [0.0, 0, 12, 9]]),
        torch.tensor([1, 0, 1]),
        torch.tensor([0.75, 0.5, 0.25]),
    ),
    90,
    120,
)


def test_a_region() -> None:
    first, second, third = regions(ANSWER, NAMES, Wanted())["regions"]
    assert first == {
        "id": "0",
        "region_info": {
            "bounding_box": {
                "top_row": pytest.approx(0.1),
                "left_col": 0.25,
                "bottom_row": 0.5,
                "right_col": 0.5,
            }
        },
        "data": {"concepts": [{"id": "bee", "name": "bee", "value": 0.75, "app_id": "striate"}]},
    }
    assert list(second["region_info"]["bounding_box"].values()) == [0, 0, 1, 1]
    assert (second["id"], third["id"]) == ("1", "2")
    assert regions(NONE, NAMES, Wanted()) == {"regions": []}


def labels(wanted: Wanted) -> list[str]:
    listed = regions(ANSWER, NAMES, wanted)["regions"]
    return [one["data"]["concepts"][0]["name"] for one in listed]


def test_as_much_as_is_wanted() -> None:
    assert labels(Wanted(most=1)) == ["bee"]
    assert labels(Wanted(least=0.5)) == ["bee", "ant"]
    assert labels(Wanted(only=frozenset({"ant"}))) == ["ant"]
    assert labels(Wanted(most=1, only=frozenset({"ant"}))) == ["ant"]
    assert labels(Wanted(shown={"bee": "Biene"})) == ["Biene", "ant", "Biene"]


def test_arrays_of_a_batch() -> None:
    found = arrays([ANSWER, NONE, ANSWER])
    assert list(found) == [output.name for output in OUTPUTS]
    assert found["counts"].tolist() == [3, 0, 3]
    assert found["labels"].tolist() == [1, 0, 1, 1, 0, 1]
    assert found["boxes"].shape == (6, 4)
    kinds = {"FP32": np.float32, "INT64": np.int64}
    for output in OUTPUTS:
        assert found[output.name].dtype == kinds[output.datatype]
        assert len(found[output.name].shape) == len(output.shape)
    assert arrays([NONE])["boxes"].shape == (0, 4)
