import numpy as np
import pytest

from striate.retrieval import search, search_plainly, searching
from striate.retrieval.expansion import Expansion


def unit(count, width, seed=0):
    rows = np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("queries", [1, 2, 3, 9])
@pytest.mark.parametrize("removed", [None, np.array([0, 3, 50, 299])])
def test_the_same_as_the_plain_reference(queries, removed, monkeypatch):
    monkeypatch.setattr(searching, "PANEL", 64)
    monkeypatch.setattr(searching, "BLOCK", 24)
    monkeypatch.setattr(searching, "QUERIES", 5)
    vectors, wanted = unit(300, 32).astype(np.float16), unit(queries, 32, 1)
    found = search(vectors, wanted, 20, removed=removed)
    plain = search_plainly(vectors, wanted, 20, removed=removed)
    np.testing.assert_array_equal(found.rows, plain.rows)
    np.testing.assert_allclose(found.scores, plain.scores, atol=1e-6)


def test_half_precision_alone_would_err_and_the_search_does_not():
    # 4,000 vectors within 0.02 of each other: float16 cannot tell their cosines apart
    base, off = unit(1, 64), unit(4000, 64, 2)
    vectors = base + 0.02 * off
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
    query = unit(1, 64, 3) * 0.1 + base
    query /= np.linalg.norm(query)
    plain = search_plainly(vectors, query, 10)
    rough = (vectors @ query[0].astype(np.float16)).argsort()[::-1][:10]
    assert set(rough.tolist()) != set(plain.rows[0].tolist())
    found = search(vectors, query, 10)
    np.testing.assert_allclose(found.scores, plain.scores, atol=1e-6)
    assert set(found.rows[0].tolist()) == set(plain.rows[0].tolist())


def test_of_equal_ones_the_first_row():
    vectors = np.repeat(unit(3, 8), 40, 0).astype(np.float16)
    for queries in (1, 4):
        found = search(vectors, np.repeat(unit(1, 8), queries, 0), 5)
        assert found.rows.tolist() == queries * [[0, 1, 2, 3, 4]]


def test_no_more_than_there_are():
    vectors = unit(3, 8).astype(np.float16)
    assert search(vectors, unit(1, 8), 10, removed=np.array([1])).rows.tolist() == [[0, 2]]
    assert search(vectors, unit(3, 8), 10, removed=np.array([0, 1, 2])).rows.shape == (3, 0)
    assert search(vectors[:0], unit(2, 8), 10).rows.shape == (2, 0)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="queries"):
        search(unit(3, 8).astype(np.float16), unit(1, 9), 1)


def test_expansion_by_hand():
    vectors = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]], np.float16)
    query = np.array([[1.0, 0.0]], np.float32)
    # the query, the first (cosine 1) and the second (cosine 0.6): (1 + 1 + 0.6, 0.8)
    average = Expansion(2, 0.0)(vectors, query)
    np.testing.assert_allclose(average, np.array([[2.6, 0.8]]) / np.hypot(2.6, 0.8), atol=1e-3)
    # with weights 1 and 0.6 ** 2 = 0.36: (2.216, 0.288)
    weighted = Expansion(2, 2.0)(vectors, query)
    np.testing.assert_allclose(
        weighted, np.array([[2.216, 0.288]]) / np.hypot(2.216, 0.288), atol=1e-3
    )


def test_expansion_of_nothing_is_refused():
    for wrong in ({"pictures": 0}, {"alpha": -1.0}):
        with pytest.raises(ValueError, match="must be"):
            Expansion(**wrong)
