"""Mixtures beside SciPy's densities, and what estimation promises."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from striate.hmm.mixtures import Mixtures, alike, estimated


def mixtures(seed: int, states: int = 3, components: int = 2, features: int = 4) -> Mixtures:
    random = np.random.default_rng(seed)
    weights = random.uniform(0.1, 1, (states, components))
    return Mixtures(
        weights / weights.sum(1, keepdims=True),
        random.normal(0, 1, (states, components, features)),
        random.uniform(0.3, 2, (states, components, features)),
        np.full(features, 1e-3),
    )


@given(seed=st.integers(0, 99))
def test_scores_are_densities(seed):
    some = mixtures(seed)
    frames = np.random.default_rng(seed + 1).normal(0, 1, (5, 4))
    expected = np.log(
        [
            [
                sum(
                    w * multivariate_normal(m, np.diag(v)).pdf(frame)
                    for w, m, v in zip(
                        some.weights[p], some.means[p], some.variances[p], strict=True
                    )
                )
                for p in range(3)
            ]
            for frame in frames
        ]
    )
    np.testing.assert_allclose(some.score(frames), expected, rtol=1e-4, atol=1e-4)


def test_one_component_is_the_mean_and_variance_of_its_frames():
    frames = np.random.default_rng(0).normal(3, 2, (500, 2))
    states = np.repeat([0, 1], 250)
    found = estimated(alike(frames, 2), frames, states)
    for state in range(2):
        own = frames[states == state]
        np.testing.assert_allclose(found.means[state, 0], own.mean(0))
        np.testing.assert_allclose(found.variances[state, 0], own.var(0))


def test_a_share_counts_as_so_many_frames():
    frames = np.random.default_rng(0).normal(0, 1, (100, 2))
    start = alike(frames, 1)
    zeros = np.zeros(100, np.int64)
    whole = estimated(start, frames, zeros)
    twice = estimated(start, np.tile(frames, (2, 1)), np.zeros(200, np.int64), np.full(200, 0.5))
    np.testing.assert_allclose(whole.means, twice.means)
    np.testing.assert_allclose(whole.variances, twice.variances)


def test_each_step_of_expectation_and_maximization_makes_the_frames_likelier():
    random = np.random.default_rng(0)
    frames = np.concatenate([random.normal(-2, 0.5, (200, 2)), random.normal(2, 1, (200, 2))])
    zeros = np.zeros(400, np.int64)
    model = estimated(alike(frames, 1), frames, zeros).split()
    likelihoods = []
    for _ in range(12):
        likelihoods.append(float(model.score(frames).mean()))
        model = estimated(model, frames, zeros)
    assert all(b >= a - 1e-5 for a, b in itertools.pairwise(likelihoods))
    assert sorted(model.means[0, :, 0].round().tolist()) == [-2, 2]
    np.testing.assert_allclose(model.weights, 0.5, atol=0.02)


def test_a_state_of_few_frames_keeps_what_it_had():
    frames = np.random.default_rng(0).normal(0, 1, (60, 2))
    start = alike(frames, 2)
    found = estimated(start, frames, np.repeat([0, 1], [55, 5]))
    np.testing.assert_array_equal(found.means[1], start.means[1])
    assert (found.means[0] != start.means[0]).all()


def test_no_variance_falls_below_the_floor():
    frames = np.random.default_rng(0).normal(0, 1, (100, 2))
    start = alike(frames, 1)
    found = estimated(start, np.ones((50, 2)), np.zeros(50, np.int64))
    np.testing.assert_allclose(found.variances[0, 0], start.floor)


def test_splitting_keeps_the_whole():
    some = mixtures(0)
    assert some.split().components == 4
    np.testing.assert_allclose(some.split().weights.sum(1), 1)
    np.testing.assert_allclose(some.split(0.0).score(np.ones((2, 4))), some.score(np.ones((2, 4))),
                               rtol=1e-5)  # fmt: skip


@pytest.mark.parametrize("broken", ["means", "variances", "weights"])
def test_numbers_that_are_no_mixture_are_refused(broken):
    parts = {name: getattr(mixtures(0), name).copy() for name in ("weights", "means", "variances")}
    parts[broken].flat[0] = np.nan
    with pytest.raises(ValueError, match="finite means"):
        Mixtures(**parts, floor=np.ones(4))
