"""A picture however it is given: the same pixels, all of them; boxes in pixels of its file."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from striate.data import Dataset
from striate.data.boxes import Boxes
from striate.errors import InputError
from striate.models.matching import Detections
from striate.recognizer import Recognizer
from striate.tasks.contract import asked
from striate.tasks.detection.prediction import Answer
from striate.tasks.detection.reading import Read, Source, read
from striate.tasks.detection.task import Detection


def test_paths_bytes_and_arrays(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (700, 900, 3), dtype=np.uint8)
    path = tmp_path / "a.png"
    Image.fromarray(pixels).save(path)
    for item in (path, str(path), path.read_bytes(), pixels):
        found = read(item)
        assert np.array_equal(found.pixels, pixels)
        assert found.source == Source(700, 900)
    assert read(pixels[..., 0]).pixels.shape == (700, 900, 3)


@pytest.mark.parametrize("item", [b"not a picture", "absent.png"])
def test_what_cannot_be_read(item: object) -> None:
    with pytest.raises(InputError):
        read(item)  # type: ignore[arg-type]


def jpeg(height: int, width: int, orientation: int = 1) -> bytes:
    """A picture with a bright square from (40, 24) to (56, 48), upright."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[24:48, 40:56] = 255
    image = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x0112] = orientation
    if orientation == 6:  # stored lying: what is up is to the left
        image = image.transpose(Image.Transpose.ROTATE_90)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=95, exif=exif)
    return buffer.getvalue()


def bright(found: Read) -> torch.Tensor:
    """(1, 4) around what is bright in the decoded pixels."""
    rows, columns = np.nonzero(found.pixels[..., 0] > 127)
    edges = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    return torch.tensor([edges]).float()


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("size", [(96, 160), (93, 157)])
def test_boxes_of_a_picture_that_is_too_large_to_be_decoded_whole(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], orientation: int
) -> None:
    data = jpeg(*size, orientation)
    whole = read(data)
    assert whole.source == Source(*size)
    monkeypatch.setattr("striate.images.decoding.MAX_PIXELS", 96 * 160 // 3)
    small = read(data)
    assert small.source.scale == 2
    assert small.pixels.shape[0] == -(-size[0] // 2)
    assert (small.source.height, small.source.width) == size
    scores = torch.ones(1)
    found = Detections(bright(small), torch.zeros(1).long(), scores)
    answer = Answer.of(found, small.source)
    assert answer[1:] == size
    torch.testing.assert_close(
        answer.detections.boxes, torch.tensor([[40.0, 24, 56, 48]]), atol=1.01, rtol=0
    )


def test_huge_pictures_are_scored_and_drawn_in_one_frame(
    shapes: Dataset[Boxes], knowing: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("striate.images.decoding.MAX_PIXELS", 120 * 90 // 3)
    import striate.data

    data = striate.data.open(shapes.inputs.path(0).parents[1])  # type: ignore[union-attr]
    assert data.targets.sizes.tolist() == [[45, 60]] * 12  # type: ignore[attr-defined]
    rows = [row for row in range(12) if len(data.targets.objects[row])]  # type: ignore[attr-defined]
    predictor = knowing(data, 1.0)
    answered = asked(predictor, data, rows)
    assert {(one.height, one.width) for one in answered.answers} == {(90, 120)}
    scores = Detection().scores(answered, data, data.classes)
    assert scores.value == 1.0
    recognizer = Recognizer(Detection(), predictor, data.classes)
    (found,) = recognizer([data.inputs.path(rows[0])])
    truth = data.targets.objects[rows[0]].boxes  # type: ignore[attr-defined]
    np.testing.assert_allclose([one.box for one in found.objects], 2 * truth, atol=1e-3)
    pixels = data.inputs[rows[0]]
    assert pixels.shape == (45, 60, 3)
    drawn = np.asarray(Detection().draw(np.zeros_like(pixels), found, data.classes))
    below = drawn[int(truth[:, 3].max()) + 4 :]
    assert drawn.any()
    assert not below.any()
