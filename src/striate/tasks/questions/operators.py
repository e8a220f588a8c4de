"""Reading questions of different lengths through an LSTM, for which ONNX has an operator."""

from typing import Any

import torch
from torch import Tensor


@torch.library.custom_op("striate::read_through", mutates_args=())
def read_through(
    read: Tensor, lengths: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor,
    hidden: int,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The hidden states and the cells (N, hidden) of an LSTM after the first `lengths` (N,) of what
    it reads (N, T, I); weights as `torch.nn.LSTMCell` has them."""
    state = (read.new_zeros(len(read), hidden),) * 2
    for place in range(read.shape[1]):
        after = torch.lstm_cell(read[:, place], state, w_ih, w_hh, b_ih, b_hh)
        here = (place < lengths)[:, None]
        state = torch.where(here, after[0], state[0]), torch.where(here, after[1], state[1])
    return state[0].clone(), state[1].clone()


@read_through.register_fake
def _(
    read: Tensor, lengths: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor,
    hidden: int,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    return read.new_empty(read.shape[0], hidden), read.new_empty(read.shape[0], hidden)


def translations() -> dict[Any, Any]:
    """How that is written in ONNX."""
    from onnxscript import opset18

    op: Any = opset18

    def reading(
        read: Any, lengths: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, hidden: int
    ) -> Any:
        gates = torch.arange(4 * hidden).view(4, hidden)[[0, 3, 1, 2]].flatten().tolist()
        order = op.Constant(value_ints=gates)  # input, output, forget, cell
        first = op.Constant(value_ints=[0])

        def ordered(some: Any) -> Any:
            return op.Gather(some, order)

        _, last, cell = op.LSTM(
            op.Transpose(read, perm=[1, 0, 2]),
            op.Unsqueeze(ordered(w_ih), first),
            op.Unsqueeze(ordered(w_hh), first),
            op.Unsqueeze(op.Concat(ordered(b_ih), ordered(b_hh), axis=0), first),
            op.Cast(lengths, to=6),  # int32
            hidden_size=hidden,
        )
        return op.Squeeze(last, first), op.Squeeze(cell, first)

    return {torch.ops.striate.read_through.default: reading}
