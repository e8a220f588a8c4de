"""Average precision: pencil, then pycocotools."""

import contextlib
import io
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.data.boxes import Objects
from striate.evaluation.detection import (
    COCO_OVERLAPS,
    Curve,
    average_precisions,
    coco_average_precision,
    curve,
    mean,
    mistakes,
)
from striate.models.matching import Detections


def objects(*rows: Sequence[float], difficult: Sequence[int] = (), crowd: Sequence[int] = ()):
    """Rows of class, x0, y0, x1, y1."""
    table = np.array(rows, np.float32).reshape(-1, 5)
    flags = [np.isin(np.arange(len(table)), some) for some in (difficult, crowd)]
    return Objects(table[:, 1:], table[:, 0].astype(np.int64), *flags)


def found(*rows: Sequence[float]) -> Detections:
    """Rows of class, score, x0, y0, x1, y1, best first."""
    table = torch.tensor(rows, dtype=torch.float32).reshape(-1, 6)
    return Detections(table[:, 2:], table[:, 0].long(), table[:, 1])


BOX, FAR = (0, 0, 10, 10), (50, 50, 60, 60)


def test_three_averages_by_pencil() -> None:
    # right, wrong, right of four objects: precision 1, 1/2, 2/3 at recall 1/4, 1/4, 1/2
    result = Curve(np.array([1, 1 / 2, 2 / 3]), np.array([1 / 4, 1 / 4, 1 / 2]), np.zeros(3), 4)
    assert result.average("all") == pytest.approx(1 / 4 + 1 / 4 * 2 / 3)
    assert result.average("11") == pytest.approx((3 * 1 + 3 * 2 / 3) / 11)
    assert result.average("101") == pytest.approx((26 * 1 + 25 * 2 / 3) / 101)
    with pytest.raises(ValueError, match="'12'"):
        result.average("12")  # type: ignore[arg-type]


def test_duplicates_difficult_objects_and_crowds() -> None:
    truth = [objects((0, *BOX), (0, *FAR), (1, *BOX), difficult=[1])]
    seen = [found((0, 0.9, *FAR), (0, 0.8, *BOX), (0, 0.7, 0, 0, 10, 9), (0, 0.6, 20, 0, 30, 9))]
    result = curve(seen, truth, 0)
    assert result.objects == 1
    assert result.precision.tolist() == [1, 1 / 2, 1 / 3]  # the difficult one does not count
    assert result.recall.tolist() == [1, 1, 1]
    crowd = [objects((0, *BOX), (0, 0, 0, 100, 100), crowd=[1])]
    assert curve(seen, crowd, 0).precision.tolist() == [1]
    each = average_precisions(seen, truth, 3)
    assert each[0] == 1
    assert each[1] == 0
    assert np.isnan(each[2])
    assert mean(each) == 0.5
    assert mean(np.array([np.nan])) == 0


@pytest.mark.parametrize("place", ["score", "box"])
def test_what_is_not_finite_is_not_right(place: str) -> None:
    one = found((0, 0.9, *BOX))
    (one.scores if place == "score" else one.boxes[:, 0])[:] = float("nan")
    assert curve([one], [objects((0, *BOX))], 0).average() == 0


def test_images_without_anything() -> None:
    result = curve([found(), found((0, 0.5, *BOX))], [objects((0, *BOX)), objects()], 0)
    assert result.precision.tolist() == [0]
    assert curve([], [], 0).objects == 0


def test_kinds_of_mistakes() -> None:
    truth = [objects((0, *BOX), (1, *FAR), (2, 80, 80, 90, 90))]
    seen = [
        found(
            (0, 0.9, *BOX), (0, 0.8, 0, 0, 10, 9), (0, 0.7, *FAR),
            (1, 0.6, 50, 50, 60, 53), (2, 0.5, 20, 20, 30, 30),
        )
    ]  # fmt: skip
    result = mistakes(seen, truth)
    assert (
        result.correct,
        result.duplicate,
        result.wrong_class,
        result.poor_box,
        result.background,
    ) == (1,) * 5
    assert result.missed == 2
    assert mistakes(seen, truth, least=0.85).missed == 2
    assert mistakes([found()], [objects((0, *BOX), difficult=[0])]).missed == 0


def by_pycocotools(seen: list[Detections], truth: list[Objects], classes: int) -> np.ndarray:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    annotations = [
        {
            "id": 1000 * image + row + 1, "image_id": image, "category_id": int(number),
            "bbox": [x0, y0, x1 - x0, y1 - y0], "area": (x1 - x0) * (y1 - y0),
            "iscrowd": int(crowd),
        }
        for image, marked in enumerate(truth)
        for row, (number, (x0, y0, x1, y1), crowd) in enumerate(
            zip(marked.classes, marked.boxes.tolist(), marked.crowd, strict=True)
        )
    ]  # fmt: skip
    results = [
        {
            "image_id": image, "category_id": number, "score": score,
            "bbox": [x0, y0, x1 - x0, y1 - y0],
        }
        for image, one in enumerate(seen)
        for (x0, y0, x1, y1), number, score in zip(
            one.boxes.tolist(), one.classes.tolist(), one.scores.tolist(), strict=True
        )
    ]  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": image} for image in range(len(truth))],
            "categories": [{"id": number} for number in range(classes)],
            "annotations": annotations,
        }
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(results), "bbox")
        evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation.eval["precision"][:, :, :, 0, 2]  # overlaps, recalls, classes


@given(st.integers(0, 1000))
@settings(max_examples=15)
def test_equal_to_pycocotools(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth, seen = [], []
    for _ in range(4):
        count = int(random.integers(0, 7))
        low = random.uniform(0, 50, (count, 2))
        boxes = np.concatenate([low, low + random.uniform(5, 30, (count, 2))], 1)
        classes = random.integers(0, 2, count)
        crowd = random.random(count) < 0.15
        truth.append(Objects(boxes.astype(np.float32), classes, np.zeros(count, bool), crowd))
        near = np.concatenate([boxes, boxes]) + random.normal(0, 2.5, (2 * count, 4))
        near[:, 2:] = np.maximum(near[:, 2:], near[:, :2] + 1)  # none turned over
        score = np.sort(random.random(2 * count))[::-1].copy()
        pick = random.permutation(2 * count)
        number = np.concatenate([classes, classes])[pick]
        seen.append(
            Detections(
                torch.from_numpy(near[pick]).double(), torch.from_numpy(number),
                torch.from_numpy(score),
            )
        )  # fmt: skip
    if not any(len(one.scores) for one in seen):
        return
    table = by_pycocotools(seen, truth, 2)
    expected = np.where((table > -1).any(1), table.mean(1), np.nan)  # overlaps, classes
    ours = coco_average_precision(seen, truth, 2)
    assert ours.shape == (len(COCO_OVERLAPS), 2)
    np.testing.assert_allclose(ours, expected, atol=1e-6)
