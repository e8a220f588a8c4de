"""Alignment, metrics, calibration and triplets by pencil."""

import numpy as np
import pytest
import torch

from striate.handcrafted.lbp import histograms, patterns, uniform
from striate.tasks.faces.alignment import by_box, by_eyes
from striate.tasks.faces.calibration import Calibration
from striate.tasks.faces.geometry import MARGIN, SIDE, similarity, template, warped
from striate.tasks.faces.metric import ChiSquare, Components, Inner, Siamese, metric_of
from striate.tasks.faces.problem import triplets


def test_a_similarity_is_found_again():
    points = np.random.default_rng(0).uniform(0, 100, (5, 2))
    turn = 0.3
    matrix = 1.7 * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    found = similarity(points, points @ matrix.T + [3, -4])
    np.testing.assert_allclose(found, np.hstack([matrix, [[3], [-4]]]), atol=1e-9)


def test_it_does_not_mirror():
    points = np.array([[0.0, 0], [1, 0], [0, 2]])
    matrix = similarity(points, points * [-1, 1])[:, :2]
    assert np.linalg.det(matrix) > 0


@pytest.mark.parametrize("scale", [1.0, 4.0], ids=["as large", "four times as large"])
def test_landmarks_come_to_the_template(scale: float):
    places = template()[:2]
    pixels = np.zeros((int(SIDE * scale), int(SIDE * scale), 3), np.uint8)
    marks = places[::-1] * scale  # the template upside down
    for x, y in marks:
        reach = int(3 * scale)
        pixels[int(y) - reach : int(y) + reach, int(x) - reach : int(x) + reach] = 255
    face = by_eyes(pixels, marks)
    for x, y in places:
        spot = face[int(y) - 12 : int(y) + 13, int(x) - 12 : int(x) + 13, 0].astype(float)
        rows, columns = np.mgrid[-12:13, -12:13]
        assert abs((spot * rows).sum() / spot.sum()) < 1.5
        assert abs((spot * columns).sum() / spot.sum()) < 1.5


def test_a_box_comes_to_the_middle():
    pixels = np.zeros((300, 300, 3), np.uint8)
    pixels[100:201, 60:161] = 255
    face = by_box(pixels, np.array([60.0, 100, 161, 201]))[..., 0]
    edge = round(MARGIN * SIDE)
    assert face[edge + 2 : SIDE - edge - 2, edge + 2 : SIDE - edge - 2].min() == 255
    assert face[: edge - 2].max() == 0
    assert face[:, SIDE - edge + 2 :].max() == 0


def test_what_is_beyond_the_picture_is_black():
    white = np.full((10, 10, 3), 255, np.uint8)
    face = warped(white, np.array([[0.0, 0], [10, 0], [0, 10]]),
                  np.array([[50.0, 50], [100, 50], [50, 100]]))  # fmt: skip
    assert face[75, 75].tolist() == [255] * 3
    assert face[10, 10].tolist() == [0] * 3


def test_uniform_patterns_are_58_and_the_rest():
    assert len(uniform().unique()) == 59
    assert int((uniform() == 58).sum()) == 256 - 58


def test_patterns_of_flat_pixels_and_of_an_edge():
    flat = torch.full((1, 1, 5, 5), 7.0)
    assert patterns(flat).unique().tolist() == [int(uniform()[255])]
    edge = torch.zeros(1, 1, 5, 6)
    edge[..., 3:] = 9
    # the middle left of the edge is no brighter than any neighbor, so all bits are set; right of
    # it the three on the left (bits 3, 4, 5, clockwise from the right) are darker
    right = int(uniform()[0b11111111 & ~0b00111000])
    assert patterns(edge)[0, 1].tolist() == [int(uniform()[255])] * 2 + [right] + [
        int(uniform()[255])
    ]
    assert histograms(edge[..., :5], cell=3).sum().item() == pytest.approx(1)


def test_chi2_by_pencil():
    one, two = np.array([[1.0, 3, 0, 2]], np.float32), np.array([[3.0, 1, 0, 0]], np.float32)
    metric = ChiSquare(torch.tensor([1.0, 10.0]), cell=2)
    # (4/4 + 4/4) and (0 + 4/2)
    assert metric.similarity(one, two)[0] == pytest.approx(-(1 * 2 + 10 * 2), rel=1e-6)


def test_the_inner_product_of_normalized_numbers_by_pencil():
    metric = Inner(torch.tensor([4.0, 2.0]))
    one, two = metric.embed(torch.tensor([[4.0, 0], [2, 2]])).numpy()
    assert one.tolist() == [1, 0]
    np.testing.assert_allclose(two, np.array([0.5, 1]) / 1.25**0.5)  # halves, then of unit length
    assert metric.similarity(one[None], two[None])[0] == pytest.approx(0.5 / 1.25**0.5)


def test_chi2_of_normalized_numbers_by_pencil():
    metric = ChiSquare(torch.tensor([1.0, 10.0]), largest=torch.tensor([4.0, 2.0]))
    one, two = metric.embed(torch.tensor([[4.0, 0], [0, 5]])).numpy()
    assert metric.similarity(one[None], two[None])[0] == pytest.approx(-11)  # (1-0)^2/1 of each


def test_the_siamese_output_by_pencil():
    metric = Siamese(torch.tensor([-1.0, -0.5]), torch.tensor(3.0))
    one, two = np.array([[1.0, 4]], np.float32), np.array([[3.0, 0]], np.float32)
    assert metric.similarity(one, two)[0] == 3 - 1 * 2 - 0.5 * 4


@pytest.mark.parametrize(
    "metric",
    [Inner(torch.ones(3)), Siamese(torch.ones(3), torch.tensor(1.0)),
     ChiSquare(torch.ones(3), largest=torch.ones(3))],
    ids=["inner", "siamese", "chi2"],
)  # fmt: skip
def test_a_metric_is_restored(metric):
    numbers = torch.rand(2, 3)
    found = metric_of(metric.kind, metric.tensors())
    first, second = (one.embed(numbers).numpy() for one in (metric, found))
    assert found.similarity(first[:1], first[1:]) == metric.similarity(second[:1], second[1:])


@pytest.mark.parametrize(
    ("kind", "tensors"),
    [("inner", {"largest": torch.ones(2, 2)}),
     ("siamese", {"weights": torch.ones(2), "bias": torch.ones(1)}),
     ("chi2", {"weights": torch.ones(2), "cell": torch.tensor(1), "largest": torch.ones(3)})],
)  # fmt: skip
def test_a_metric_that_does_not_belong_together_is_refused(kind, tensors):
    with pytest.raises(ValueError, match=r"row|together"):
        metric_of(kind, tensors)


def test_whitened_components_vary_alike():
    numbers = torch.randn(50, 6) * torch.tensor([9.0, 3, 1, 1, 1, 1])
    metric = Components.of(numbers, 9).whitened(4)
    projected = (numbers - metric.mean) @ metric.projection
    torch.testing.assert_close(projected.T @ projected / 50, torch.eye(4), atol=1e-3, rtol=0)


def test_a_probability_of_a_half_is_the_threshold():
    random = np.random.default_rng(0)
    same = np.arange(400) < 200
    similarity = np.where(same, 1.0, -1.0) + random.normal(0, 1, 400)
    found = Calibration.fitted(similarity, same)
    assert found.probability(np.array([found.threshold]))[0] == 0.5
    assert found.slope == pytest.approx(2, rel=0.3)  # of two normal densities, 2 apart
    assert (similarity[~same] > found.strict).mean() <= 0.01


def test_triplets_by_pencil():
    unit = torch.tensor([[1.0, 0], [0, 1], [-1, 0], [0.6, 0.8]])
    persons = torch.tensor([0, 0, 1, 2])
    # squared distances: 0-1 2, 0-2 4, 0-3 0.8, 1-2 2, 1-3 0.4; persons 1 and 2 have one picture
    expected = ((2 - 0.8 + 0.3) + (2 - 0.4 + 0.3)) / 2
    assert triplets(unit, persons).item() == pytest.approx(expected, rel=1e-5)
