"""What R-CNN solves: examples by hand, ridge regression beside scikit-learn's."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from torch import Tensor

from striate.data.boxes import Objects
from striate.ops.boxes import offsets, overlaps
from striate.tasks.detection.rcnn.classifiers import Classifiers
from striate.tasks.detection.rcnn.extraction import PictureFeatures
from striate.tasks.detection.rcnn.solving import Examples, Solving, solve, statistics


def marked(boxes: list[list[float]], classes: list[int], **flags: list[bool]) -> Objects:
    none = np.zeros(len(classes), bool)
    return Objects(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(classes, np.int64),
        np.asarray(flags.get("difficult", none)),
        np.asarray(flags.get("crowd", none)),
    )


def picture(boxes: list[list[float]], features: Tensor, things: int) -> PictureFeatures:
    return PictureFeatures(torch.tensor(boxes).reshape(-1, 4), things, lambda: features)


def identity(width: int, classes: int = 1) -> Classifiers:
    return Classifiers.empty(torch.zeros(width), torch.ones(width), classes)


THING, OTHER, HARD, CROWD = [0, 0, 10, 10], [50, 50, 60, 60], [20, 0, 30, 10], [100, 20, 140, 60]


def examples(number: int = 0) -> Examples:
    truth = marked(
        [THING, OTHER, HARD, CROWD], [0, 1, 0, 0],
        difficult=[False, False, True, False], crowd=[False, False, False, True],
    )  # fmt: skip
    regions = [[0, 0, 10, 9], [0, 0, 10, 30], [0, 0, 10, 40], [21, 0, 30, 10], [105, 30, 109, 34]]
    boxes = [THING, OTHER, HARD, CROWD, *regions, [80, 80, 90, 90]]
    one = picture([list(map(float, box)) for box in boxes], torch.arange(10.0)[:, None], 4)
    return Examples([one], [truth], number, identity(1, 2), Solving())


def test_difficult_objects_and_crowds_are_not_positives() -> None:
    assert examples(0).positives().flatten().tolist() == [0]
    assert examples(1).positives().flatten().tolist() == [1]


def test_negatives_are_off_every_object_of_the_class() -> None:
    # Of class 0: not the object itself nor the near box of overlap 0.9 nor that of 1/3, but that
    # of 1/4; not the difficult one's neighbor; not what lies in the crowd; that of the other class.
    ((_, rows),) = examples(0).negatives()
    assert rows.tolist() == [1, 6, 9]
    # Of class 1 all but its own object.
    ((_, rows),) = examples(1).negatives()
    assert rows.tolist() == [0, 2, 3, 4, 5, 6, 7, 8, 9]


def test_statistics_make_the_mean_square_one() -> None:
    features = torch.randn(50, 6) * torch.arange(6) + 3  # the first is a constant
    mean, scale = statistics([picture([], features[:20], 0), picture([], features[20:], 0)])
    classifiers = Classifiers.empty(mean, scale, 1)
    ready = classifiers.standardized(features.half())
    assert ready.square().sum(1).mean() == pytest.approx(5 / 6, abs=1e-2)
    torch.testing.assert_close(ready.mean(0), torch.zeros(6), rtol=0, atol=1e-3)
    assert scale[0] == 0


def test_hard_negatives_are_found() -> None:
    # Positives at (1, 0); 3,000 easy negatives at (-1, 0), and one at (0.9, -1) that the first
    # round does not draw.
    easy = torch.tensor([[-1.0, 0.0]]).repeat(3000, 1)
    features = torch.cat([torch.tensor([[1.0, 0.0]]), easy])
    features[1500] = torch.tensor([0.9, -1.0])
    boxes = [[0.0, 0.0, 9.0, 9.0]] + [[50.0, 50.0, 60.0, 60.0]] * 3000
    truth = marked([boxes[0]], [0])
    for rounds, above in ((1, True), (3, False)):
        solving = Solving(cost=10, first=2, rounds=rounds)
        one = Examples([picture(boxes, features, 1)], [truth], 0, identity(2), solving)
        weights = one.machine(one.positives())
        assert bool(weights[:2] @ features[1500] + weights[2] > 0) == above


def test_regression_is_ridge_regression() -> None:
    generator = np.random.default_rng(0)
    things = generator.uniform(0, 400, (60, 2))
    things = np.concatenate([things, things + generator.uniform(20, 60, (60, 2))], 1)
    regions = things + generator.uniform(-9, 9, things.shape)
    boxes = torch.from_numpy(np.concatenate([things, regions])).float()
    features = torch.randn(120, 5)
    truth = marked(things.tolist(), [0] * 60)
    found = Examples(
        [PictureFeatures(boxes, 60, lambda: features)],
        [truth],
        0,
        identity(5),
        Solving(ridge=2.0, pair=0.6),
    ).regression()
    met, which = overlaps(boxes[60:], boxes[:60]).max(1)
    near = met >= 0.6
    assert 10 < near.sum() < 60
    targets = offsets(boxes[:60][which[near]], boxes[60:][near])
    ours = features[60:][near]
    known = Ridge(alpha=2.0).fit(ours.numpy(), targets.numpy())
    np.testing.assert_allclose(found[:, :-1], known.coef_, atol=1e-4)
    np.testing.assert_allclose(found[:, -1], known.intercept_, atol=1e-4)


def test_squares_are_learned_and_boxes_improved() -> None:
    # Features say whether there is an object and by how much the region is off.
    generator = torch.Generator().manual_seed(0)
    pictures, truth = [], []
    for _ in range(20):
        corner = torch.rand(1, 2, generator=generator) * 60 + 5
        thing = torch.cat([corner, corner + 30], 1)
        off = torch.rand(30, 2, generator=generator) * 12 - 6
        far = torch.rand(30, 2, generator=generator) * 60 + 5
        boxes = torch.cat([thing, thing + off.repeat(1, 2), torch.cat([far, far + 20], 1)])
        met = overlaps(boxes, thing)
        shift = torch.cat([torch.zeros(1, 2), off, torch.zeros(30, 2)])
        features = torch.cat([met, met**2, shift], 1)
        pictures.append(PictureFeatures(boxes, 1, lambda features=features: features))
        truth.append(marked(thing.tolist(), [1]))
    classifiers = solve(pictures, truth, 2, Solving(cost=10, ridge=1e-3))
    assert classifiers.known.tolist() == [False, True]
    one = pictures[0]
    found = classifiers.detections(
        one.boxes[1:], one.load()[1:], (100, 100), nms_overlap=0.3, most=10
    )
    assert found.classes[0] == 1
    assert overlaps(found.boxes[:1], one.boxes[:1]).item() > 0.95
