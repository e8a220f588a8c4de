"""Acoustic networks: their sizes by pencil, and what a convolution along frequency promises."""

import pytest
import torch

from striate.models.acoustic import AcousticCNN, AcousticDNN

SHAPE = (15, 3, 41)  # frames, with first and second differences, 40 bands and the energy


def count(model) -> int:
    return sum(each.numel() for each in model.parameters())


def test_the_network_of_2012():
    """Five hidden layers of 2,048 units over 11 frames of 39 features (Dahl et al., Section V)."""
    model = AcousticDNN((11, 3, 13), 761, hidden=(2048,) * 5, logistic=True)
    expected = 429 * 2048 + 4 * 2048**2 + 5 * 2048 + (2048 + 1) * 761
    assert count(model) == expected
    assert model(torch.zeros(2, 11, 3, 13)).shape == (2, 761)


@pytest.mark.parametrize(("sharing", "maps"), [("full", 360), ("limited", 150)])
def test_the_networks_of_2014(sharing, maps):
    """45 channels of 8 bands a map; 14 pooled places; 45 energies beside them."""
    model = AcousticCNN(SHAPE, 183, sharing=sharing, maps=maps, hidden=(1000, 1000))
    copies = 14 if sharing == "limited" else 1
    expected = copies * (45 * 8 + 1) * maps + (14 * maps + 45 + 1) * 1000 + 1001 * 1000 + 1001 * 183
    assert count(model) == expected
    assert model(torch.zeros(2, *SHAPE)).shape == (2, 183)


def test_full_sharing_pools_what_a_convolution_gives():
    model = AcousticCNN((3, 1, 10), 2, bands=9, sharing="full", maps=2, width=3, pool=2).double()
    windows = torch.randn(1, 3, 1, 10, dtype=torch.float64)
    seen = {}
    model.layers[0].register_forward_hook(lambda _, given, __: seen.update(given=given[0]))
    model(windows)
    weight, bias = model.convolution.weight, model.convolution.bias
    for m in range(2):
        for section in range(3):  # seven places, two pooled, two further each time
            values = [
                (weight[m] * windows[0, :, 0, p : p + 3]).sum() + bias[m]
                for p in (2 * section, 2 * section + 1)
            ]
            expected = max(max(values), torch.tensor(0.0, dtype=torch.float64))
            torch.testing.assert_close(seen["given"][0, 3 * m + section], expected)
    torch.testing.assert_close(seen["given"][0, 6:], windows[0, :, 0, 9])  # the energies


def test_a_sound_one_band_higher_is_the_same_where_places_are_pooled():
    """A narrow sound and a map for it: the maximum over six places does not see one step."""
    model = AcousticCNN((1, 1, 40), 2, sharing="full", maps=4, pool=6, shift=6).eval()
    low, high = torch.zeros(2, 1, 1, 40)
    low[0, 0, 8:16] = high[0, 0, 9:17] = torch.randn(8)
    pooled = [model.pool(model.convolution(one.view(1, 1, 40))) for one in (low, high)]
    best = model.convolution(low.view(1, 1, 40))[0, :, 8]
    for one in pooled:
        assert (one[0, :, 1] >= best - 1e-6).all()
