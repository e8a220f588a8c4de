"""OverFeat: the connections its tables count."""

import pytest

from striate.models import describe


def test_overfeats_connections():
    # Tables 1 and 3: 145 and 144 million parameters, 2,810 and 5,369 million connections.
    assert describe("overfeat_fast").multiply_adds == pytest.approx(2810e6, rel=0.005)
    assert describe("overfeat_accurate").multiply_adds == pytest.approx(5369e6, rel=0.005)
