"""Reading questions of different lengths through an LSTM, for which ONNX has an operator."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence


@torch.library.custom_op("striate::read_through", mutates_args=())
def read_through(
    read: Tensor, lengths: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor,
    hidden: int,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The hidden states and the cells (N, hidden) of an LSTM after the first `lengths` (N,) of what
    it reads (N, T, I); weights as `torch.nn.LSTMCell` has them."""
    lstm = nn.LSTM(read.shape[2], hidden, batch_first=True)
    values = {"weight_ih_l0": w_ih, "weight_hh_l0": w_hh, "bias_ih_l0": b_ih, "bias_hh_l0": b_hh}
    packed = pack_padded_sequence(read, lengths.cpu(), batch_first=True, enforce_sorted=False)
    with torch.no_grad():
        _, (last, cell) = torch.func.functional_call(lstm, values, (packed,))
    return last[0].clone(), cell[0].clone()


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
