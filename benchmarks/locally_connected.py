"""Locally connected layers, forward and backward, beside the same by unfolding the maps.

    python benchmarks/locally_connected.py [--quick] [--json]

The layers of DeepFace, on one thread, at batches of 8. Both forms get the same filters, and their
results are compared before they are timed.
"""

from collections.abc import Callable, Iterable

import torch
from _rows import Row, main, paired
from torch import Tensor
from torch.nn import functional as F

from striate.layers import LocallyConnected2d

CASES = {"L6": (5, 1, 25), "L5": (7, 2, 55), "L4": (9, 1, 63)}  # kernel, stride, side
CHANNELS, BATCH = 16, 8


def measure(quick: bool) -> Iterable[Row]:
    torch.set_num_threads(1)
    for name, (kernel, stride, side) in list(CASES.items())[: 2 if quick else None]:
        layer = LocallyConnected2d(
            CHANNELS, CHANNELS, kernel, input_size=(side, side), stride=stride
        )
        x = torch.randn(BATCH, CHANNELS, side, side, requires_grad=True)
        by_rows = layer.weight.detach().unflatten(1, (kernel, kernel, CHANNELS))
        filters = by_rows.permute(0, 3, 1, 2, 4).flatten(1, 3).contiguous().requires_grad_()

        def unfolded(filters: Tensor = filters, x: Tensor = x,
                     layer: LocallyConnected2d = layer) -> Tensor:  # fmt: skip
            places = F.unfold(x, layer.kernel_size, stride=layer.stride)
            sums = torch.bmm(places.permute(2, 0, 1), filters)
            return sums.permute(1, 2, 0).unflatten(2, layer.output_size) + layer.bias

        def ours(layer: LocallyConnected2d = layer, x: Tensor = x) -> Tensor:
            return layer(x)

        both = step(ours, x, layer.weight), step(unfolded, x, filters)
        for mine, other in zip(both[0]()[:2], both[1]()[:2], strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-4)
        yield paired(
            f"{name} {kernel}x{kernel}, stride {stride}, {BATCH}x{CHANNELS}x{side}x{side}",
            *both,
            peer="torch unfold and bmm",
            target=2.0,
            rounds=3 if quick else 5,
        )


def step(run: Callable[[], Tensor], x: Tensor, weight: Tensor) -> Callable[[], tuple[Tensor, ...]]:
    def both() -> tuple[Tensor, ...]:
        y = run()
        return y, *torch.autograd.grad(y, (x, weight), torch.ones_like(y))

    return both


if __name__ == "__main__":
    main(measure, __doc__)
