import sys

import numpy as np
from tests.retrieval.test_truth import index_of

from striate.retrieval import duplicates
from striate.retrieval._duplicates import TILE


def test_pairs_above_a_cosine(tmp_path, monkeypatch):
    # cosines of neighbors: 25, 15, 20 and 15 degrees: .906 .966 .940 .966
    index = index_of(tmp_path)
    expected = {("a/2.jpg", "b/3.jpg"), ("b/4.jpg", "c/5.jpg")}
    for tile in (TILE, 2, 1):
        monkeypatch.setattr(sys.modules["striate.retrieval._duplicates"], "TILE", tile)
        found = list(duplicates(index, 0.95))
        assert {(pair.first, pair.second) for pair in found} == expected
        np.testing.assert_allclose([pair.score for pair in found], np.cos(np.pi / 12), atol=1e-3)
    index.remove([2])
    assert [pair.first for pair in duplicates(index, 0.95)] == ["b/4.jpg"]
