"""PCK by pencil, and COCO's average precision beside pycocotools."""

import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from striate.evaluation.points import (
    PERSON,
    average_precision,
    correct,
    distances,
    sigmas_of,
    similarity,
)


def test_a_point_counts_up_to_its_share_of_the_length():
    truth = np.array([[[0, 0], [10, 0], [np.nan, np.nan]]])
    found = np.array([[[3, 4], [10, 5.1], [1, 1.0]]])
    apart = distances(found, truth)
    assert apart[0, :2] == pytest.approx([5, 5.1])
    right = correct(apart, np.array([50.0]), 0.1)
    assert right[0, :2].tolist() == [1, 0]
    assert np.isnan(right[0, 2])


def coco_of(truth, visible, areas, found, scores):
    """Each thing in an image of its own."""
    count = len(truth)
    boxes = [[0.0, 0.0, 100.0, 100.0]] * count
    triples = [
        np.concatenate([np.nan_to_num(p), v[:, None]], 1).ravel().tolist()
        for p, v in zip(truth, visible, strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "info": {},
            "images": [{"id": k + 1} for k in range(count)],
            "categories": [{"id": 1, "name": "person", "keypoints": list(PERSON)}],
            "annotations": [
                {"id": k + 1, "image_id": k + 1, "category_id": 1, "iscrowd": 0,
                 "area": float(areas[k]), "bbox": boxes[k], "keypoints": triples[k],
                 "num_keypoints": int((visible[k] > 0).sum())}
                for k in range(count)
            ],
        }  # fmt: skip
        coco.createIndex()
        results = coco.loadRes(
            [
                {"image_id": k + 1, "category_id": 1, "score": float(scores[k]),
                 "keypoints": np.concatenate([found[k], np.ones((17, 1))], 1).ravel().tolist()}
                for k in range(count)
            ]
        )  # fmt: skip
        judge = COCOeval(coco, results, "keypoints")
        judge.params.areaRng, judge.params.areaRngLbl = [[0, 1e10]], ["all"]
        judge.evaluate()
        judge.accumulate()
    return judge


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_average_precision_is_that_of_pycocotools(seed):
    random = np.random.default_rng(seed)
    count = 40
    truth = random.uniform(0, 100, (count, 17, 2))
    visible = random.integers(0, 3, (count, 17))
    visible[:, 0] = 2
    truth[visible == 0] = np.nan
    areas = random.uniform(1000, 8000, count)
    spread = random.uniform(0.5, 12, (count, 1, 1))
    found = np.nan_to_num(truth) + random.normal(0, 1, (count, 17, 2)) * spread
    scores = random.uniform(0, 1, count).round(1)  # some are equal
    judge = coco_of(truth, visible, areas, found, scores)
    sigmas = sigmas_of(PERSON)
    each = [similarity(*one, sigmas) for one in zip(found, truth, areas, strict=True)]
    theirs = [judge.ious[k + 1, 1][0, 0] for k in range(count)]
    assert each == pytest.approx(theirs, abs=1e-12)
    precision = judge.eval["precision"][:, :, 0, 0, 0]
    assert average_precision(np.array(each), scores) == pytest.approx(precision.mean(), abs=1e-12)
    assert 0.1 < precision.mean() < 0.95
