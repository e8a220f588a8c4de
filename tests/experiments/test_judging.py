import numpy as np
import pytest

from striate.experiments.judging import BEHIND, LEVEL, Lead


def test_a_lead_is_the_mean_of_paired_differences() -> None:
    random = np.random.default_rng(0)
    first, second = random.random(400), random.random(400)
    found = Lead.of(first, second)
    assert found.points == pytest.approx(100 * (first.mean() - second.mean()))
    half = 196 * (1 / 6 / 400) ** 0.5  # of two uniform numbers
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.1)
    assert Lead.of(first, first - 0.5) == pytest.approx((50, 50, 50))


def test_seeds_are_averaged_before_the_interval() -> None:
    shares = np.array([[1.0, 0, 1, 0], [0, 1, 0, 1]])
    assert Lead.of(shares, np.zeros((2, 4))) == pytest.approx((50, 50, 50))


@pytest.mark.parametrize(
    ("low", "high", "judged"),
    [
        (1, 3, ("same", "")),
        (-3, -1, ("different", f"{BEHIND}; few")),
        (-1, 3, ("not reachable here", f"{LEVEL}; few")),
        (0, 0, ("not reachable here", f"{LEVEL}; few")),
    ],
)
def test_a_lead_counts_where_its_interval_does_not_hold_0(
    low: float, high: float, judged: tuple[str, str]
) -> None:
    assert Lead((low + high) / 2, low, high).judged("", "few") == judged
