"""What windows read, counted one by one."""

from hypothesis import given
from hypothesis import strategies as st

from striate.ops.cost import taps


@given(
    st.integers(1, 12), st.integers(1, 5), st.integers(1, 4), st.integers(0, 3), st.integers(0, 3),
    st.integers(1, 3),
)  # fmt: skip
def test_every_place_looked_at(size, kernel, stride, before, behind, dilation):
    side = [False] * before + [True] * size + [False] * behind
    reach = (kernel - 1) * dilation + 1
    count = sum(
        sum(side[start : start + reach : dilation])
        for start in range(0, len(side) - reach + 1, stride)
    )
    found = taps(size, kernel, stride=stride, padding=(before, behind), dilation=dilation)
    assert found == count
