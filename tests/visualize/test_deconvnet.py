"""The strongest patches: found as loops find them, read in batches, cut where the field lies."""

import gc
import weakref

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from striate.errors import ModelError, UnknownName
from striate.models import create
from striate.visualize.deconvnet import cut_out, patches, project, strongest

NET = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(3, 4, 3), nn.ReLU())


@given(
    images=st.integers(1, 12),
    count=st.integers(1, 9),
    batch_size=st.integers(1, 5),
    seed=st.integers(0, 9),
)
def test_the_strongest_are_those_that_loops_find(images, count, batch_size, seed):
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randn(images, 2, 12, 12, generator=generator)
    found = strongest(NET, pixels, "4", channels=[3, 0], count=count, batch_size=batch_size)
    with torch.no_grad():
        maps = NET(pixels).numpy()
    assert found.channels.tolist() == [3, 0]
    for k, channel in enumerate((3, 0)):
        peaks = [maps[n, channel].max() for n in range(images)]
        order = sorted(range(images), key=lambda n: -peaks[n])[:count]
        np.testing.assert_allclose(found.values[k], [peaks[n] for n in order], rtol=1e-5, atol=1e-6)
        for n, row, column, value in zip(
            found.numbers[k], found.rows[k], found.columns[k], found.values[k], strict=True
        ):
            assert maps[n, channel, row, column] == pytest.approx(value, rel=1e-5, abs=1e-6)


def test_of_equals_the_first_image_counts():
    pixels = torch.randn(1, 2, 12, 12).repeat(5, 1, 1, 1)
    assert strongest(NET, pixels, "4", count=3, batch_size=1).numbers.tolist() == [[0, 1, 2]] * 4


class Counting:
    """Images that know how many of them live."""

    def __init__(self, count):
        self.count, self.alive, self.most = count, weakref.WeakSet(), 0

    def __len__(self):
        return self.count

    def __getitem__(self, number):
        image = torch.randn(2, 12, 12, generator=torch.Generator().manual_seed(number))
        self.alive.add(image)
        gc.collect(0)
        self.most = max(self.most, len(self.alive))
        return image


def test_memory_holds_no_more_than_a_batch_however_many_images():
    few, many = Counting(12), Counting(96)
    for images in (few, many):
        patches(NET, images, "4", count=3, batch_size=4)
    assert few.most == many.most <= 2 * 4 + 1


def test_patches_are_what_the_units_see():
    """A unit of the last layer sees 3 + 1 + 2 * 2 = 8 pixels, one every 2, from 0 on."""
    pixels = torch.randn(5, 2, 14, 14)
    found = patches(NET, pixels, "4", channels=[1], count=2)
    assert found.images.shape == found.projections.shape == (1, 2, 2, 8, 8)
    for n, (top, left, bottom, right) in enumerate(found.boxes[0].tolist()):
        number = int(found.strongest.numbers[0, n])
        assert (top, left) == (2 * found.strongest.rows[0, n], 2 * found.strongest.columns[0, n])
        image = pixels[number, :, top:bottom, left:right]
        np.testing.assert_array_equal(found.images[0, n], image)
        back = project(NET, pixels[number][None], "4", channels=[1])[0]
        inside = back[:, top:bottom, left:right]
        np.testing.assert_allclose(found.projections[0, n], inside, rtol=1e-5, atol=1e-7)
        # Nothing of the projection lies outside what the unit sees.
        assert back.abs().sum() == pytest.approx(float(inside.abs().sum()), rel=1e-5)


def test_padding_is_told_from_the_image():
    out = np.full((1, 4, 4), np.nan)
    image = np.arange(9.0).reshape(1, 3, 3)
    cut_out(image, np.array([-1, 1, 3, 5]), out)
    assert np.isnan(out[0, 0]).all()
    assert np.isnan(out[0, :, 2:]).all()
    np.testing.assert_array_equal(out[0, 1:, :2], image[0, :, 1:])


def test_a_field_larger_than_the_image_is_the_image():
    net = create("resnet20")
    found = patches(net, torch.randn(2, 3, 32, 32), "stage3", channels=[0], count=1)
    assert found.boxes.tolist() == [[[0, 0, 32, 32]]]
    assert found.rule == "guided"


def test_the_numbers_of_a_full_connection_are_maps_of_one_place():
    net = create("lenet5")
    layer = net.stage_names[-2]
    found = patches(net, torch.randn(3, 1, 28, 28), layer, channels=[0, 5], count=2)
    assert found.projections.shape == (2, 2, 1, 28, 28)


def test_mistakes():
    pixels = torch.randn(2, 2, 12, 12)
    with pytest.raises(UnknownName, match="no layer of Sequential"):
        patches(NET, pixels, "44")
    with pytest.raises(UnknownName, match="did you mean stage3"):
        strongest(create("resnet20"), torch.randn(1, 3, 32, 32), "stage33")
    with pytest.raises(ModelError, match="feature maps 0 to 3, not 7"):
        patches(NET, pixels, "4", channels=[7])
    with pytest.raises(ModelError, match="no images"):
        patches(NET, pixels[:0], "4")
    with pytest.raises(ModelError, match="no images"):
        strongest(NET, pixels[:0], "4")
    with pytest.raises(ModelError, match="not finite"):
        strongest(NET, pixels * float("nan"), "4")
