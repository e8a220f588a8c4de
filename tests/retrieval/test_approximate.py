import sys

import numpy as np
import pytest

from striate.errors import DataError, MissingExtra, UserError
from striate.retrieval import Approximate, Description, Index, build_approximate, search
from striate.retrieval.index import Header, create

pytest.importorskip("faiss", reason="the extra retrieval is not installed")
COUNT, WIDTH = 600, 21  # an odd number: it is padded


def vectors(count=COUNT, seed=0):
    """In 30 heaps."""
    random = np.random.default_rng(seed)
    centers = np.random.default_rng(9).normal(size=(30, WIDTH))
    rows = centers[random.integers(0, 30, count)] + 0.2 * random.normal(size=(count, WIDTH))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def index(tmp_path):
    header = Header(
        model="m", content=None, description=Description(), folder="/photos", whitened=False,
        pictures=0, dimensions=WIDTH,
    )  # fmt: skip
    index = create(tmp_path / "one.index", header, None)
    index.add([f"{row}.jpg" for row in range(COUNT)], [(1, 1)] * COUNT, vectors())
    return index


def recall(found, exact):
    return np.mean([len(np.intersect1d(a, b)) / len(b) for a, b in zip(found, exact, strict=True)])


def test_it_finds_what_an_exact_search_finds(index, capfd):
    about = build_approximate(index.path)
    assert capfd.readouterr() == ("", "")  # faiss warns of few pictures in its own words
    assert about.recall >= 0.95
    assert about.probes < about.lists  # heaps are found in few lists
    queries = vectors(40, 1)
    found, exact = Approximate(index).search(queries, 10), search(index.vectors, queries, 10)
    assert recall(found.rows, exact.rows) >= 0.9
    same = found.rows == exact.rows
    np.testing.assert_allclose(found.scores[same], exact.scores[same], atol=1e-6)


def test_what_is_added_and_removed_later_counts(index):
    build_approximate(index.path)
    more = vectors(30, 2)
    index.add([f"late{row}.jpg" for row in range(30)], [(1, 1)] * 30, more)
    found = Approximate(index).search(more, 1)
    assert found.rows[:, 0].tolist() == list(range(COUNT, COUNT + 30))
    own = index.vectors[:20].astype(np.float32)
    assert Approximate(index).search(own, 1).rows[:, 0].tolist() == list(range(20))
    index.remove([*range(20), COUNT])
    found = Approximate(Index(index.path)).search(np.concatenate([own, more[:1]]), 5)
    assert not np.isin(found.rows, index.removed).any()
    exact = search(index.vectors, own, 5, removed=index.removed)
    assert recall(found.rows[:20], exact.rows) >= 0.9


def test_written_anew_it_must_be_made_anew(index):
    build_approximate(index.path)
    index.remove(range(400))
    with pytest.raises(UserError, match="--approximate"):
        Approximate(Index(index.path))
    with pytest.raises(UserError, match="as quick"):
        build_approximate(index.path)


def test_without_it_or_damaged_it_says_how_to_make_it(index):
    with pytest.raises(UserError, match="has no approximate"):
        Approximate(index)
    build_approximate(index.path)
    path = index.path / "approximate.faiss"
    whole = path.read_bytes()
    for wrong in (whole[:100], whole[:-1], b"x" * len(whole)):
        path.write_bytes(wrong)
        with pytest.raises(DataError, match="damaged"):
            Approximate(index)
    path.write_bytes(whole)
    (index.path / "approximate.json").write_text('{"format": "striate approximate 1"}')
    with pytest.raises(DataError, match="damaged"):
        Approximate(index)


def test_without_faiss_the_extra_is_named(index, monkeypatch):
    build_approximate(index.path)
    monkeypatch.setitem(sys.modules, "faiss", None)
    for call in (lambda: Approximate(index), lambda: build_approximate(index.path)):
        with pytest.raises(MissingExtra, match=r"striate\[retrieval\]"):
            call()
