"""Detectors that are one network: batches, devices, what they refuse."""

import numpy as np
import pytest
import torch

from striate.errors import InputError
from striate.recognizer import Recognizer
from striate.tasks.detection.networks import Prepared
from striate.tasks.detection.task import Detection

SIZES = [(50, 70), (64, 64), (25, 35), (90, 30), (50, 70)]  # three of the same form


def pictures() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (*size, 3), dtype=np.uint8) for size in SIZES]


@pytest.mark.parametrize("kind", ["pyramid", "single", "yolo"])
def test_what_else_is_in_a_batch_changes_nothing(kind, tiny) -> None:
    predictor = tiny(kind)
    prepared = [predictor.prepare(pixels) for pixels in pictures()]
    together = predictor.predict(prepared)
    for one, answer, size in zip(prepared, together, SIZES, strict=True):
        (alone,) = predictor.predict([one])
        assert answer[1:] == alone[1:] == size
        assert len(alone.detections.boxes)
        assert torch.equal(answer.detections.boxes, alone.detections.boxes)
        assert torch.equal(answer.detections.scores, alone.detections.scores)


def test_pictures_are_scaled_where_they_are_read(tiny) -> None:
    one = tiny("pyramid").prepare(np.zeros((3000, 1500, 3), np.uint8))
    assert isinstance(one, Prepared)
    assert one.pixels.shape == (64, 32, 3)  # so that few large ones wait in memory
    assert (one.height, one.width) == (3000, 1500)


def test_it_computes_where_it_was_moved(tiny) -> None:
    recognizer = Recognizer(Detection(), tiny("yolo"), ("a", "b", "c"))
    predictor = recognizer.predictor
    before = list(recognizer([pictures()[0]]))
    predictor.to("meta")
    assert predictor.device.type == "meta"
    with pytest.raises((NotImplementedError, RuntimeError), match="meta"):
        list(recognizer([pictures()[0]]))  # no numbers come back from there
    assert {tensor.device.type for tensor in predictor.tensors().values()} == {"cpu"}
    recognizer.to("cpu")
    assert list(recognizer([pictures()[0]])) == before


def test_on_a_fast_device_pictures_of_one_form_go_together(tiny, monkeypatch) -> None:
    predictor = tiny("pyramid")
    prepared = [predictor.prepare(pixels) for pixels in pictures()]
    sizes: list[int] = []
    answered = predictor._answered

    def counted(some):
        sizes.append(len(some))
        return answered(some)

    monkeypatch.setattr(predictor, "_answered", counted)
    expected = predictor.predict(prepared)
    assert sizes == [1] * 5
    sizes.clear()

    class Fast:
        type = "fast"

    monkeypatch.setattr(predictor, "device", Fast())
    predictor.__dict__["_folded"] = predictor.model
    found = predictor.predict(prepared)
    assert sorted(sizes) == [1, 1, 3]
    for one, other in zip(found, expected, strict=True):
        assert one[1:] == other[1:]
        assert one.detections.classes.tolist() == other.detections.classes.tolist()
        torch.testing.assert_close(one.detections.boxes, other.detections.boxes, atol=1e-3, rtol=0)


def test_inputs_that_cannot_be_read(tiny) -> None:
    with pytest.raises(InputError):
        tiny("yolo").prepare(b"not a picture")
