"""How part models begin: shapes and sizes of roots, places of parts."""

import torch

from striate.handcrafted.deformable import Component
from striate.handcrafted.deformable_start import begun, with_parts
from striate.handcrafted.pyramid import DEPTH, OCTAVE


def test_roots_have_the_shape_and_size_of_their_boxes() -> None:
    square = torch.tensor([[0.0, 0.0, 40.0, 40.0]]).repeat(50, 1)
    (one,) = begun(square, 2, cells=(16, 64))
    assert (one.kind, one.shape) == (2, (5, 5))  # cells of 8 pixels
    assert one.levels()[0] == OCTAVE
    (large,) = begun(square * 10, 0, cells=(16, 64))
    assert large.shape == (8, 8)
    assert all(300 < 8 * 8 * 2 ** (level / OCTAVE) / 2 < 500 for level in large.levels())


def test_two_shapes_are_two_components() -> None:
    tall = torch.tensor([[0.0, 0.0, 30.0, 90.0]]).repeat(30, 1)
    components = begun(torch.cat([tall, tall[:, [1, 0, 3, 2]]]), 0, cells=(16, 64))
    shapes = sorted(one.shape for one in components)
    assert [rows > columns for rows, columns in shapes] == [False, True]
    assert len(begun(torch.cat([tall[:9], tall[:9, [1, 0, 3, 2]]]), 0, cells=(16, 64))) == 1
    (thin,) = begun(torch.tensor([[0.0, 0.0, 2.0, 900.0]]).repeat(9, 1), 0, cells=(16, 64))
    assert thin.shape == (16, 3)


def test_parts_lie_where_the_root_is_strong_on_both_sides() -> None:
    root = torch.zeros(DEPTH, 4, 6)
    root[3, 0, 0] = 2.0
    root[5, 3, 5] = 3.0
    root[7, 2, 2] = -9.0  # strong, but against
    one = with_parts(Component(0, root, 0.0, (20.0, 40.0)), count=4, covered=0.2)
    assert one.parts.shape == (4, DEPTH, 2, 2)
    assert one.anchors.tolist() == [[0, 6], [10, 6], [0, 0], [10, 0]]  # x and 12 - 2 - x
    assert float(one.parts[1, 5].max()) > 0
    assert float(one.parts[2, 3].max()) > 0


def test_a_part_that_is_left_alone_lies_in_the_middle() -> None:
    root = torch.zeros(DEPTH, 4, 6)
    root[3, 0, 0] = 2.0
    root[5, 1, 2:4] = 1.0
    one = with_parts(Component(0, root, 0.0, (20.0, 40.0)), count=3, covered=0.2)
    assert one.anchors.tolist()[:2] == [[0, 0], [10, 0]]
    x, y = one.anchors.tolist()[2]
    assert (x, y) == (5, 2)
    (only,) = with_parts(Component(0, root, 0.0, (20.0, 40.0)), count=1, covered=0.05).anchors
    assert only.tolist() == [5, 2]
    thin = with_parts(Component(0, root[:, :, :3], 0.0, (20.0, 40.0)), count=6, covered=0.8)
    assert len(thin.anchors) == 6
    places = {(x, y) for x, y in thin.anchors.tolist()}
    assert places == {(2 * 3 - thin.parts.shape[3] - x, y) for x, y in places}
