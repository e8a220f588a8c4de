"""Limited weight sharing beside its sums, written out."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate.layers import LimitedSharing


def slowly(layer: LimitedSharing, features: torch.Tensor) -> torch.Tensor:
    """Every map of every section: its own weights at each of its places, then the maximum."""
    count, channels, _ = features.shape
    maps = layer.weight.shape[2]
    found = torch.empty(count, maps, layer.sections, dtype=features.dtype)
    for n in range(count):
        for k in range(layer.sections):
            for m in range(maps):
                weights = layer.weight[k, :, m].view(channels, layer.width)
                values = []
                for place in range(k * layer.shift, k * layer.shift + layer.pool):
                    window = features[n, :, place : place + layer.width]
                    values.append((weights * window).sum() + layer.bias[k, 0, m])
                found[n, m, k] = torch.stack(values).max()
    return found


@given(
    channels=st.integers(1, 3), maps=st.integers(1, 3), width=st.integers(1, 3),
    pool=st.integers(1, 4), shift=st.integers(1, 3), more=st.integers(0, 4),
)  # fmt: skip
def test_it_is_the_sum_over_each_section(channels, maps, width, pool, shift, more):
    bands = width + pool - 1 + more
    layer = LimitedSharing(channels, bands, maps, width=width, pool=pool, shift=shift).double()
    with torch.no_grad():
        layer.bias.normal_()
    features = torch.randn(2, channels, bands, dtype=torch.float64)
    torch.testing.assert_close(layer(features), slowly(layer, features))


def test_gradients():
    layer = LimitedSharing(2, 9, 2, width=3, pool=3, shift=2).double()
    features = torch.randn(2, 2, 9, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, (features,))


def test_the_paper_has_fourteen_sections():
    """40 bands, windows of 8: 33 places; 6 of them are pooled, 2 further each time."""
    assert LimitedSharing(45, 40, 1).sections == 14


def test_too_few_bands_are_refused():
    with pytest.raises(ValueError, match="10 bands have fewer than 6 places of 8 bands"):
        LimitedSharing(1, 10, 1)
