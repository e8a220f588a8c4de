"""Intervals by drawing again: against SciPy, the normal law, and what must not matter."""

import numpy as np
import pytest
from scipy import stats

from striate.evaluation import bootstrap, bootstrap_mean, resampling


def test_the_interval_of_a_mean_is_nearly_the_normal_one():
    values = np.random.default_rng(0).normal(3, 2, 400)
    low, high = bootstrap_mean(values)
    half = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - half, abs=0.03)
    assert high == pytest.approx(values.mean() + half, abs=0.03)


def test_it_is_what_scipy_finds():
    values = np.random.default_rng(1).exponential(size=150)
    ours = bootstrap(lambda rows: np.median(values[rows], axis=1), 150, rounds=4000)
    theirs = stats.bootstrap(
        (values,), np.median, method="percentile", n_resamples=4000, rng=np.random.default_rng(0)
    ).confidence_interval
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.03)


def test_the_same_interval_each_time_and_blocks_do_not_matter(monkeypatch):
    values = np.arange(50.0)
    whole = bootstrap(lambda rows: values[rows].mean(1), 50, rounds=300)
    assert whole == bootstrap(lambda rows: values[rows].mean(1), 50, rounds=300)
    sizes = []

    def statistic(rows):
        sizes.append(len(rows))
        return values[rows].mean(1)

    monkeypatch.setattr(resampling, "TOGETHER", 50 * 70)
    assert bootstrap(statistic, 50, rounds=300) == pytest.approx(whole, abs=1)
    assert sizes == [70, 70, 70, 70, 20]


def test_draws_without_a_score_do_not_count():
    values = np.array([1.0, 1.0, np.nan])
    assert bootstrap(lambda rows: np.where((rows == 2).all(1), np.nan, 1.0), 3) == (1.0, 1.0)
    assert np.isnan(values).any()


def test_no_images():
    with pytest.raises(ValueError, match="nothing to draw from"):
        bootstrap(lambda rows: rows.mean(1), 0)
