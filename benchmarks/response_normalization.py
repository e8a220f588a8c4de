"""Local response normalization, forward and backward, beside torch's own layer.

    python benchmarks/response_normalization.py [--quick] [--json]

The case with a target is AlexNet's first normalization at a batch of 32. Both layers get the same
activations and the same gradient, and their results are compared before they are timed.
"""

from collections.abc import Callable, Iterable

import torch
from _rows import Row, main, paired
from torch import Tensor, nn

from striate.layers import LocalResponseNorm

CASES = {  # what it is: shape, target
    "AlexNet norm1": ((32, 96, 55, 55), 6.0),
    "AlexNet norm2": ((32, 256, 27, 27), None),
    "GoogLeNet norm2": ((32, 192, 56, 56), None),
    "AlexNet norm1, one image": ((1, 96, 55, 55), None),
}
LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


def measure(quick: bool) -> Iterable[Row]:
    ours, theirs = LocalResponseNorm(5), nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)
    for name, (shape, target) in list(CASES.items())[: 1 if quick else None]:
        for layout, memory_format in LAYOUTS.items():
            x = torch.randn(shape).to(memory_format=memory_format).requires_grad_()
            weights = torch.randn_like(x)
            forward_backward = step(ours, x, weights), step(theirs, x, weights)
            agree(*(run() for run in forward_backward))
            yield paired(
                f"{name} {'x'.join(map(str, shape))} {layout}",
                *forward_backward,
                peer="torch.nn.LocalResponseNorm",
                target=target,
                rounds=5 if quick else 11,
            )


def step(layer: nn.Module, x: Tensor, weights: Tensor) -> Callable[[], tuple[Tensor, Tensor]]:
    def run() -> tuple[Tensor, Tensor]:
        y = layer(x)
        return y, torch.autograd.grad(y, x, weights)[0]

    return run


def agree(ours: tuple[Tensor, Tensor], theirs: tuple[Tensor, Tensor]) -> None:
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-6, atol=1e-6)


if __name__ == "__main__":
    main(measure, __doc__)
