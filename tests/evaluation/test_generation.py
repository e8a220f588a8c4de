"""Measures of samples by pencil, and beside slow references."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from striate.evaluation.generation import (
    Moments,
    frechet,
    frechet_influence,
    moments,
    nearest,
    parzen,
    precision_recall,
)


def test_frechet_of_gaussians_with_axes_in_common():
    """|m1 - m2|² + sum (s1 - s2)², by pencil."""
    first = Moments(np.array([1.0, 0.0, 2.0]), np.diag([1.0, 4.0, 9.0]))
    second = Moments(np.array([0.0, 2.0, 2.0]), np.diag([4.0, 4.0, 1.0]))
    assert frechet(first, second) == pytest.approx(1 + 4 + 1 + 0 + 4)
    assert frechet(first, first) == pytest.approx(0, abs=1e-12)


@given(st.integers(0, 10_000))
def test_frechet_is_that_of_the_general_matrix_root(seed):
    random = np.random.default_rng(seed)
    first, second = (
        moments(random.normal(size=(30, 5)) @ random.normal(size=(5, 5))) for _ in range(2)
    )
    root = sqrtm(first.covariance @ second.covariance).real
    apart = first.mean - second.mean
    slow = apart @ apart + np.trace(first.covariance + second.covariance - 2 * root)
    assert frechet(first, second) == pytest.approx(slow, rel=1e-6, abs=1e-8)


def test_frechet_of_flat_and_single_rows():
    """No direction varies, or only one does: what is left is the distance of the means."""
    flat = moments(np.array([[0.0, 0.0], [2.0, 0.0]]))
    point = moments(np.array([[1.0, 3.0]]))
    assert frechet(point, point) == 0
    assert frechet(flat, point) == pytest.approx(9 + 2)  # and the variance 2 of the flat one


def test_influence_is_the_derivative_to_the_weight_of_a_row():
    random = np.random.default_rng(0)
    rows, others = random.normal(size=(40, 4)), moments(random.normal(1, 2, (60, 4)))

    def weighed(shares):
        mean = shares @ rows
        centered = rows - mean
        return frechet(Moments(mean, (centered * shares[:, None]).T @ centered), others)

    even = np.full(40, 1 / 40)
    mine = Moments(even @ rows, np.cov(rows.T, bias=True))
    found = frechet_influence(rows, mine, others)
    for row in (0, 7, 39):
        step = np.eye(40)[row] - even
        slope = (weighed(even + 1e-6 * step) - weighed(even - 1e-6 * step)) / 2e-6
        assert found[row] == pytest.approx(slope, rel=1e-4, abs=1e-6)
    assert found.mean() == pytest.approx(0, abs=1e-10)


def test_precision_and_recall_on_a_line():
    real = np.arange(10.0)[:, None]  # each third neighbor is 2 or 3 away
    inside, outside = np.linspace(2, 3, 5)[:, None], np.linspace(100, 101, 5)[:, None]
    precision, recall = precision_recall(real, np.concatenate((inside, outside)))
    assert precision == 0.5
    assert recall == 0.2  # samples reach 0.75 at most: the real 2 and 3
    assert precision_recall(real, real) == (1, 1)
    assert all(np.isnan(precision_recall(real[:3], real)))


def test_parzen_by_pencil():
    samples, points = np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[0.0, 0.0]])
    (value,), (wide,) = parzen(samples, points, [1.0, 2.0])
    assert value == pytest.approx(np.log((1 + np.exp(-12.5)) / 2 / (2 * np.pi)), rel=1e-6)
    assert wide == pytest.approx(np.log((1 + np.exp(-3.125)) / 2 / (8 * np.pi)), rel=1e-6)
    far = parzen(samples, np.array([[1e4, 0.0]]), [0.1])
    assert np.isfinite(far).all()  # of exp(-5e9) nothing is left without log-sum-exp


def test_copies_are_much_nearer_to_one_than_to_any_other():
    training = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [0.0, 10.0]])
    samples = np.array([[0.5, 0.0], [5.0, 0.0], [0.0, 10.0]])
    found = nearest(samples, training)
    assert found.rows.tolist()[0] == 0
    assert found.first.tolist() == [0.5, 5.0, 0.0]
    assert found.copied.tolist() == [True, False, True]  # the last stands twice, and is equal
