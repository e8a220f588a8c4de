"""Convolutions that halve and double, beside torch's own."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from striate.layers import halving
from striate.layers.halving import Double, Halve


@given(
    st.integers(1, 3), st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), st.integers(1, 4)
)
def test_gradients_of_weights_are_torchs(count, inputs, outputs, high, wide):
    torch.manual_seed(0)
    large = torch.randn(count, inputs, 2 * high, 2 * wide, dtype=torch.float64)
    small = torch.randn(count, outputs, high, wide, dtype=torch.float64)
    weight = torch.zeros(outputs, inputs, 4, 4, dtype=torch.float64, requires_grad=True)
    (torch.conv2d(large, weight, None, 2, 1) * small).sum().backward()
    for layout in (torch.contiguous_format, torch.channels_last):
        found = halving.of_weights(large.contiguous(memory_format=layout), small)
        torch.testing.assert_close(found, weight.grad)


@pytest.mark.parametrize(("ours", "theirs"), [(Halve, nn.Conv2d), (Double, nn.ConvTranspose2d)])
def test_layers_are_torchs(ours, theirs, monkeypatch):
    monkeypatch.setattr(halving, "MANY", 1)
    torch.manual_seed(0)
    layer = ours(3, 5).double()
    plain = theirs(3, 5, 4, 2, 1).double()
    plain.load_state_dict(layer.state_dict())
    maps = torch.randn(2, 3, 4, 6, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(layer(maps), plain(maps))
    assert type(layer(maps).grad_fn.next_functions[0][0]).__name__.startswith(
        "_"
    )  # is the fast one
    assert torch.autograd.gradcheck(
        lambda x, w, b: torch.func.functional_call(layer, {"weight": w, "bias": b}, (x,)),
        (maps, layer.weight, layer.bias),
    )
    with torch.no_grad():
        torch.testing.assert_close(layer(maps), plain(maps))
