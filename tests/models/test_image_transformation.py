"""The network of Johnson et al. 2016: the sizes of its table, and that it reads any picture."""

import pytest
import torch

from striate.models.image_transformation import ImageTransformation, InstanceNorm, reflected
from striate.models.skeletons import hollow, skeleton

# Supplementary material, Table 1: what each layer gives of a picture of 256 x 256.
SIZES = [(32, 336), (64, 168), (128, 84), (128, 80), (128, 76), (128, 72), (128, 68), (128, 64),
         (64, 128), (32, 256)]  # fmt: skip


def parameters(width: int, blocks: int) -> int:
    """By the table: kernels, biases, and two numbers a channel for normalization."""
    wide, wider = 2 * width, 4 * width
    layers = [(3, width, 9), (width, wide, 3), (wide, wider, 3), *[(wider, wider, 3)] * 2 * blocks,
              (wider, wide, 3), (wide, width, 3)]  # fmt: skip
    return sum(a * b * k * k + 3 * b for a, b, k in layers) + width * 3 * 81 + 3


def test_the_published_table() -> None:
    with skeleton():
        network = ImageTransformation(published=True)
    network, found = hollow(network), []
    for part in (*network.down, *network.blocks, *network.up):
        part.register_forward_hook(lambda _, __, maps: found.append(tuple(maps.shape[1:3])))
    assert network(torch.zeros(0, 3, 256, 256)).shape == (0, 3, 256, 256)
    assert found == SIZES


@pytest.mark.parametrize("published", [True, False])
def test_numbers_of_parameters(published: bool) -> None:
    with skeleton():
        network = ImageTransformation(width=16, blocks=3, published=published)
    assert sum(one.numel() for one in network.parameters()) == parameters(16, 3)


@pytest.mark.parametrize("published", [True, False])
@pytest.mark.parametrize("size", [(12, 12), (13, 30), (8, 9)])
def test_pictures_keep_their_size(size: tuple[int, int], published: bool) -> None:
    network = ImageTransformation(width=2, blocks=1, published=published).eval()
    with torch.no_grad():
        assert network(torch.rand(1, 3, *size) * 255).shape == (1, 3, *size)


def test_borders_are_mirrored() -> None:
    row = torch.tensor([0.0, 1, 2])[None, None, None].expand(1, 1, 3, 3)
    found = reflected(row, 4)
    assert found[0, 0, 0].tolist() == [0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2]
    once = torch.rand(2, 3, 9, 12)
    assert torch.equal(reflected(once, 5), torch.nn.functional.pad(once, (5,) * 4, "reflect"))


def test_normalization_in_place_is_that_of_torch() -> None:
    torch.manual_seed(0)
    layer, maps = InstanceNorm(3), torch.randn(2, 3, 100, 101) * 4 + 9  # more than one strip
    torch.nn.init.normal_(layer.weight)
    torch.nn.init.normal_(layer.bias)
    wanted = layer(maps).detach()
    for form in (torch.contiguous_format, torch.channels_last):
        with torch.no_grad():
            found = layer(maps.clone(memory_format=form))
        torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)


def test_contrast_is_taken_out() -> None:
    """By instance normalization, up to what is added against division by nothing (Ulyanov et al.
    2016, Section 2); the last layer alone sees no more of it than all others."""
    torch.manual_seed(0)
    network = ImageTransformation(width=4, blocks=1).eval()
    picture = torch.rand(1, 3, 16, 16) * 255
    with torch.no_grad():
        found, faint = network(picture), network(127.5 + (picture - 127.5) / 4)
    torch.testing.assert_close(found, faint, rtol=0, atol=0.5)
