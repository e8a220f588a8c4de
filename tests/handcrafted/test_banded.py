"""Banded products: by hand, and beside the whole matrix."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate.handcrafted.banded import Banded

CPU = torch.device("cpu")


def test_blocks_hold_only_what_is_read() -> None:
    matrix = torch.tensor([[1.0, 2.0, 0.0, 0.0], [0.0, 3.0, 0.0, 0.0], [0.0, 0.0, 0.0, 4.0]])
    banded = Banded.of(matrix, rows=2, dtype=torch.float32, device=CPU)
    assert [block.tolist() for block in banded.blocks] == [[[1, 2], [0, 3]], [[4]]]
    assert (banded.starts, banded.ends) == ((0, 3), (2, 4))
    lines = torch.tensor([[1.0, 10.0, 100.0, 1000.0]])
    assert banded.across(lines).tolist() == [[21.0, 30.0, 4000.0]]
    assert banded.down(lines.T[None]).tolist() == [[[21.0], [30.0], [4000.0]]]


@given(
    side=st.integers(1, 12),
    height=st.integers(1, 5),
    images=st.integers(1, 3),
    rows=st.integers(1, 6),
    seed=st.integers(0, 99),
)
def test_beside_the_whole_matrix(side: int, height: int, images: int, rows: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    matrix = torch.eye(side, dtype=torch.float64)  # no row is empty
    matrix += torch.rand(side, side, generator=generator).double().triu(-1).tril(2)
    pictures = torch.rand(images, height, side, generator=generator, dtype=torch.float64)
    banded = Banded.of(matrix, rows=rows, dtype=torch.float64, device=CPU)
    torch.testing.assert_close(banded.across(pictures), pictures @ matrix.T)
    torch.testing.assert_close(banded.down(pictures.mT), matrix @ pictures.mT)


def test_the_type_is_the_one_asked_for() -> None:
    banded = Banded.of(torch.eye(3), rows=2, dtype=torch.float64, device=CPU)
    assert {block.dtype for block in banded.blocks} == {torch.float64}
    with pytest.raises(RuntimeError):
        banded.across(torch.ones(1, 3))
