"""Regions read in a graph: the same numbers as RoI align and RoI pooling give."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.layers.roi_pooling import roi_pooling
from striate.models.regions import BoxHead, Settings
from striate.tasks.detection.region_reading import pooled, pooled_maxima


def test_regions_of_all_sizes_are_read_from_their_level():
    generator = torch.Generator().manual_seed(0)
    head = BoxHead(4, (8, 16), 2, Settings(), hidden=8)
    maps = [
        torch.randn(1, 4, 60, 44, generator=generator),
        torch.randn(1, 4, 30, 22, generator=generator),
    ]
    corner = torch.rand(60, 2, generator=generator) * torch.tensor([150.0, 200.0])
    regions = torch.cat([corner, corner + torch.linspace(1, 200, 60)[:, None].expand(60, 2)], 1)
    regions[-20:, 2:] = torch.tensor([352.0, 480.0])  # to the border: of the coarse map
    span = (regions[:, 2:] - regions[:, :2]).prod(1).sqrt()
    assert (span < 224).sum() > 10
    assert (span > 224).sum() > 10
    expected = head.pooled(maps, [regions])
    assert torch.allclose(pooled(head, maps, regions), expected, atol=1e-6)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 20), st.integers(1, 30))
def test_maxima_of_regions_are_those_of_roi_pooling(seed, height, width):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(1, 3, height, width, generator=generator)
    corner = torch.rand(20, 2, generator=generator) * torch.tensor([width, height])
    boxes = torch.cat([corner, corner + torch.rand(20, 2, generator=generator) * 40 - 5], 1)
    boxes[:10] = boxes[:10].clamp(min=0)
    assert torch.equal(pooled_maxima(x, boxes, 7, 60), roi_pooling(x, [boxes], size=7))
