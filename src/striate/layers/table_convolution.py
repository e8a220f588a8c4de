"""Convolution by a table of connections (LeCun, Bottou, Bengio & Haffner 1998, Table I).

Different maps that read different inputs must find different features, and cost less.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import ModelError

# fmt: off
LENET5_C3 = (  # Table I, one column a row: the maps of S2 that each of the sixteen maps of C3 reads
    (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5),
    (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5),
    (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)
# fmt: on


class TableConv2d(nn.Module):
    """A convolution in which each output map reads only its own choice of the input maps.

    Only kernels of connections that exist are parameters: `weight` is (connections, k, k), in the
    table's order. Starts uniform within 1 / sqrt(fan-in) of each map, as PyTorch's convolutions do.

    Args:
        table: for every output map, the input maps it reads, counted from 0.
        kernel_size: height and width k of a kernel.
        in_channels: input maps; by default the table's highest, plus one.

    Raises:
        ModelError: a map that reads nothing, reads one input twice, or one that does not exist.
    """

    outputs: Tensor
    inputs: Tensor

    def __init__(
        self,
        table: Sequence[Sequence[int]],
        *,
        kernel_size: int,
        in_channels: int | None = None,
    ):
        super().__init__()
        if in_channels is None:
            in_channels = 1 + max((max(row, default=0) for row in table), default=0)
        for number, row in enumerate(table):
            if not row or len(set(row)) != len(row) or not set(row) <= set(range(in_channels)):
                raise ModelError(
                    f"map {number} of the table reads {tuple(row)}; it must read one or more of "
                    f"the inputs 0 to {in_channels - 1}, each once"
                )
        self.table = tuple(tuple(row) for row in table)
        self.in_channels, self.out_channels = in_channels, len(self.table)
        self.kernel_size = kernel_size
        pairs = [(output, i) for output, row in enumerate(self.table) for i in row]
        outputs, inputs = torch.tensor(pairs).unbind(1)
        self.register_buffer("outputs", outputs, persistent=False)
        self.register_buffer("inputs", inputs, persistent=False)
        self.weight = nn.Parameter(torch.empty(len(pairs), kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.empty(self.out_channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws all parameters anew from torch's generator."""
        with torch.no_grad():
            for output, kernels in enumerate(self.kernels()):
                bound = kernels.numel() ** -0.5
                kernels.uniform_(-bound, bound)
                self.bias[output].uniform_(-bound, bound)

    def kernels(self) -> tuple[Tensor, ...]:
        """For every output map, a view of its kernels: (inputs it reads, k, k)."""
        return self.weight.detach().split([len(row) for row in self.table])

    def forward(self, maps: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, len(table), H - k + 1, W - k + 1)."""
        return F.conv2d(maps, self.dense(), self.bias)

    def dense(self) -> Tensor:
        """The weight of the full convolution that does the same: zero without a connection."""
        k = self.kernel_size
        zeros = self.weight.new_zeros(self.out_channels, self.in_channels, k, k)
        return zeros.index_put((self.outputs, self.inputs), self.weight)

    def extra_repr(self) -> str:
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"connections={len(self.weight)}"
        )
