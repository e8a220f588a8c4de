"""A detector whose convolutions are rounded: nothing in `striate.exporting` is of one task."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

import striate
from striate import exporting
from striate.data import Boxes, Dataset
from striate.errors import DataError
from striate.recognizer import Recognizer


@pytest.fixture
def rounded(
    exported: tuple[Recognizer, Path], shapes: Dataset[Boxes], tmp_path: Path
) -> tuple[Path, exporting.Cost]:
    """The file with the names of the set, rounded."""
    model = onnx.load(exported[1])
    values = json.loads(model.metadata_props[0].value)
    names = [*shapes.classes, "another"]
    model.metadata_props[0].value = json.dumps({**values, "names": names})
    path = tmp_path / "small.onnx"
    path.write_bytes(model.SerializeToString())
    return path, exporting.round_with(path, shapes)


@pytest.mark.parametrize("exported", ["yolo"], indirect=True)
def test_it_answers_in_8_bits(rounded, exported, shapes):
    path, cost = rounded
    assert cost.score == "mAP@0.5"
    assert cost.examples == (shapes.split == 2).sum()
    assert {node.op_type for node in onnx.load(path).graph.node} >= {"QuantizeLinear"}
    pixels = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    ours, theirs = (one([pixels])[0].objects for one in (striate.load(path), exported[0]))
    assert ours
    assert [one.score for one in ours] != [one.score for one in theirs]
    assert ours[0].score == pytest.approx(theirs[0].score, abs=0.2)


@pytest.mark.parametrize("exported", ["yolo"], indirect=True)
def test_a_set_of_other_objects(exported, shapes):
    _, path = exported
    before = path.read_bytes()
    with pytest.raises(DataError, match=f"does not know the class '{shapes.classes[0]}'"):
        exporting.round_with(path, shapes)
    assert path.read_bytes() == before
