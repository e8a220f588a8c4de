import numpy as np
import pytest

from striate.evaluation import ranked_average_precision


def compute_ap(positives, junk, ranked):
    """compute_ap.cpp of the Oxford Buildings set, line by line."""
    old_recall, old_precision, ap = 0.0, 1.0, 0.0
    intersect_size, i, j = 0, 0, 0
    while i < len(ranked):
        if ranked[i] in junk:
            i += 1
            continue
        if ranked[i] in positives:
            intersect_size += 1
        recall = intersect_size / len(positives)
        precision = intersect_size / (j + 1.0)
        ap += (recall - old_recall) * ((old_precision + precision) / 2.0)
        old_recall, old_precision = recall, precision
        i, j = i + 1, j + 1
    return ap


def test_by_hand():
    # wrong, right, wrong, right: precisions 0 1/2 1/3 1/2 at each place
    # trapezoids: (0 + 1/2) / 2 / 2 + (1/3 + 1/2) / 2 / 2 = 1/8 + 5/24 = 1/3
    assert ranked_average_precision([1, 2, 3, 4], {2, 4}) == pytest.approx(1 / 3)
    # steps: (1/2 + 1/2) / 2
    assert ranked_average_precision([1, 2, 3, 4], {2, 4}, area="steps") == pytest.approx(1 / 2)


def test_junk_is_as_if_it_were_not_there():
    # without 1 and 3 the list is right, right
    assert ranked_average_precision([1, 2, 3, 4], {2, 4}, junk={1, 3}) == 1


def test_what_is_not_in_the_list_is_never_found():
    # one of two, at the first place: recall ends at a half
    assert ranked_average_precision([2, 1], {2, 4}) == pytest.approx(1 / 2)
    assert ranked_average_precision([], {2}) == 0


def test_without_positives_there_is_no_number():
    assert np.isnan(ranked_average_precision([1, 2], set(), junk={1}))


def test_it_is_the_protocol_of_oxford():
    random = np.random.default_rng(0)
    for _ in range(50):
        ranked = random.permutation(30)[: random.integers(1, 31)].tolist()
        kinds = random.integers(0, 3, 30)
        positives = {0, *np.flatnonzero(kinds == 1).tolist()}
        junk = set(np.flatnonzero(kinds == 2).tolist()) - positives
        expected = compute_ap(positives, junk, ranked)
        found = ranked_average_precision(ranked, positives, junk=junk)
        assert found == pytest.approx(expected, abs=1e-12)
