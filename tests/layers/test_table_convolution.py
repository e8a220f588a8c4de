"""Convolution by a table: the paper's counts, the full convolution with holes, bad tables."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from striate.errors import ModelError
from striate.layers import LENET5_C3, TableConv2d

TABLES = st.integers(1, 5).flatmap(
    lambda inputs: st.tuples(
        st.just(inputs),
        st.lists(
            st.lists(st.integers(0, inputs - 1), min_size=1, unique=True), min_size=1, max_size=4
        ),
    )
)


def test_c3_has_the_papers_1516_parameters_and_60_connections() -> None:
    layer = TableConv2d(LENET5_C3, kernel_size=5)
    assert sum(p.numel() for p in layer.parameters()) == 1516
    assert sum(len(row) for row in LENET5_C3) == 60
    assert [len(row) for row in LENET5_C3] == [3] * 6 + [4] * 9 + [6]
    assert layer(torch.zeros(1, 6, 14, 14)).shape == (1, 16, 10, 10)


def test_every_input_of_the_paper_is_read_by_ten_maps() -> None:
    # Table I has ten crosses in each of its six rows.
    assert [sum(i in row for row in LENET5_C3) for i in range(6)] == [10] * 6
    assert len(set(LENET5_C3)) == 16


@given(TABLES, st.integers(1, 3))
def test_it_is_a_convolution_of_each_maps_own_choice(drawn, kernel_size: int) -> None:
    inputs, table = drawn
    layer = TableConv2d(table, kernel_size=kernel_size, in_channels=inputs)
    maps = torch.randn(2, inputs, 5, 4)
    y = layer(maps)
    first = 0
    for output, row in enumerate(table):
        kernels = layer.weight[first : first + len(row)]
        first += len(row)
        expected = F.conv2d(maps[:, row], kernels[None], layer.bias[output : output + 1])
        torch.testing.assert_close(y[:, output : output + 1], expected)


def test_the_gradient_is_the_slope() -> None:
    layer = TableConv2d([(0, 1), (1,)], kernel_size=2).double()
    maps = torch.randn(1, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    inputs = (maps, layer.weight, layer.bias)
    assert torch.autograd.gradcheck(lambda x, *_: layer(x), inputs)


def test_only_parameters_are_saved() -> None:
    assert list(TableConv2d([(0,)], kernel_size=2).state_dict()) == ["weight", "bias"]


def test_first_weights_stay_within_the_bound_of_their_fan_in() -> None:
    layer = TableConv2d(LENET5_C3, kernel_size=5)
    for row, kernels in zip(LENET5_C3, layer.kernels(), strict=True):
        bound = (25 * len(row)) ** -0.5
        assert 0.8 * bound < float(kernels.abs().max()) <= bound


@pytest.mark.parametrize(
    ("table", "words"), [([(0,), ()], r"map 1 .*\(\)"), ([(0, 0)], "once"), ([(7,)], "7")]
)
def test_tables_that_mean_nothing(table: list, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        TableConv2d(table, kernel_size=3, in_channels=2)
