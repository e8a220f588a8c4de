"""What a patch reaches, by pencil, and by changing pixels and looking."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn

from striate.visualize.graph import network_of
from striate.visualize.rectangles import Span, lengths, plan_of, plan_with, spans_of


def span(first, end, size):
    return Span(np.array(first), np.array(end), size)


def test_a_patch_of_32_grows_by_pencil_through_the_first_layers_of_alexnet():
    # conv1: 11 at stride 4, padding 2: windows -8/4.. of pixels 96 to 127: (96 + 2 - 10) / 4 = 22
    # to (127 + 2) / 4 = 32.25; pool1: 3 at stride 2: (22 - 2) / 2 = 10 to 32 / 2 = 16.
    conv1 = span([96], [128], 224).through(55, 11, 4, 1, 2)
    assert (conv1.first.tolist(), conv1.end.tolist()) == ([22], [33])
    pool1 = conv1.through(27, 3, 2, 1, 0)
    assert (pool1.first.tolist(), pool1.end.tolist()) == ([10], [17])


def test_the_border_cuts_what_is_reached():
    found = span([0, 10, 20], [4, 14, 24], 24).through(24, 5, 1, 1, 2)
    assert found.first.tolist() == [0, 8, 18]
    assert found.end.tolist() == [6, 16, 24]


def test_rectangles_of_a_block_get_the_size_of_the_largest_and_stay_inside():
    starts, width = span([0, 8, 18], [6, 16, 24], 24).starts(np.arange(3))
    assert (starts, width) == ([0, 8, 16], 8)


def test_pixels_that_no_window_reads_reach_a_place_anyway():
    found = span([7], [8], 8).through(2, 3, 4, 1, 0)  # windows at 0-2 and 4-6
    assert found.end[0] > found.first[0]


@given(
    size=st.integers(3, 20),
    kernel=st.integers(1, 5),
    stride=st.integers(1, 4),
    dilation=st.integers(1, 3),
    padding=st.integers(0, 4),
    first=st.integers(0, 19),
    length=st.integers(1, 6),
)
def test_what_changes_is_what_is_reached(size, kernel, stride, dilation, padding, first, length):
    reach = (kernel - 1) * dilation + 1
    assume(first + length <= size and reach <= size + 2 * padding)
    clean = torch.zeros(1, 1, size)
    changed = clean.clone()
    changed[0, 0, first : first + length] = 1
    ones = torch.ones(1, 1, kernel)
    difference = F.conv1d(changed - clean, ones, None, stride, padding, dilation)[0, 0]
    found = span([first], [first + length], size).through(
        len(difference), kernel, stride, dilation, padding
    )
    places = difference.nonzero().flatten().tolist()
    assert all(found.first[0] <= place < found.end[0] for place in places)
    if places and dilation == 1 and stride <= kernel:
        assert (found.first[0], found.end[0]) == (places[0], places[-1] + 1)


def chain():
    net = nn.Sequential(
        *(nn.Conv2d(4, 4, 3, padding=1) for _ in range(6)), nn.Flatten(), nn.LazyLinear(3)
    )
    image = torch.randn(1, 4, 48, 48)
    net(image)
    return network_of(net.eval(), image)


def image_spans(side, size, stride):
    first = np.arange(0, side - size + 1, stride)
    return (Span(first, first + size, side),) * 2


def test_the_cost_of_a_plan_is_counted():
    network = chain()
    image = image_spans(48, 8, 8)
    plan = plan_of(network, image)
    assert plan.cost < plan.full / 1.5
    # six layers of 48 x 48 x 4 numbers of 36 products each, 36 positions
    products = 36 * 6 * 48 * 48 * 4 * 36
    assert plan.full == pytest.approx(products, rel=1)
    assert plan.full > products


def test_a_patch_that_covers_the_image_is_computed_in_full():
    network = chain()
    plan = plan_of(network, image_spans(48, 46, 1))
    assert plan.cost <= plan.full
    assert (plan.dense <= 2).all()


def test_the_cheapest_side_is_taken():
    network, image = chain(), image_spans(48, 8, 8)
    spans = spans_of(network, image)
    best = plan_of(network, image)
    assert best.cost <= min(plan_with(network, spans, s).cost for s in range(1, 7))


def test_a_bounded_plan_costs_less():
    network, image = chain(), image_spans(48, 8, 8)
    assert plan_of(network, image, 0.2).cost < plan_of(network, image).cost


def test_blocks_share_the_positions():
    assert lengths(25, 10).tolist() == [10, 10, 5]
