"""Back-propagation through a convolution and a max pooling, every number shown.

    python examples/backpropagation.py

The case of the lectures: a 3 x 3 image X, a 2 x 2 filter F, their 2 x 2 output O, and an error E,
here half the squared distance of O from what was wanted. Then a 4 x 4 image, max-pooled by 2 x 2.
"""

from itertools import product

import numpy as np
import torch
import torch.nn.functional as F

from striate.ops.backprop import convolve, convolve_backward, max_pool, max_pool_backward

IMAGE = np.array([[1, 0, 2], [-1, 3, 1], [0, 2, -2.0]])
FILTER = np.array([[1, -1], [2, 1.0]])
WANTED = np.array([[1, 0], [5, 4.0]])
POOLED = np.array([[1, 5, 2, 0], [3, 4, 9, 8], [7, 1, 0, 2], [6, 2, 3, 1.0]])
POOL_ERRORS = np.array([[0.5, -1], [2, 3.0]])

PLACES = list(product((1, 2), repeat=2))


def main() -> None:
    image, filters = IMAGE[None, None], FILTER[None, None]
    output = convolve(image, filters)
    errors = output - WANTED
    gradients = convolve_backward(image, filters, errors)
    O, dO = output[0, 0], errors[0, 0]  # noqa: E741

    title("1. The output is the convolution of the image with the filter")
    grids({"X": IMAGE, "F": FILTER, "O": O})
    for i, j in PLACES:
        terms = [(f"F{a}{b}", (a, b), f"X{i + a - 1}{j + b - 1}") for a, b in PLACES]
        equation(f"O{i}{j}", terms, FILTER, IMAGE, O[i - 1, j - 1])

    title("2. The error E = 1/2 sum (O - wanted)^2 changes with the output by dE/dO = O - wanted")
    grids({"O": O, "wanted": WANTED, "dE/dO": dO})

    title("3. dE/dF is the valid convolution of the image with dE/dO")
    grids({"X": IMAGE, "dE/dO": dO, "dE/dF": gradients.filters[0, 0]})
    for a, b in PLACES:
        terms = [(f"dE/dO{i}{j}", (i, j), f"X{i + a - 1}{j + b - 1}") for i, j in PLACES]
        equation(f"dE/dF{a}{b}", terms, dO, IMAGE, gradients.filters[0, 0, a - 1, b - 1])

    title("4. dE/dX is the full convolution of dE/dO with the filter turned by 180 degrees")
    grids(
        {
            "dE/dO, zeros around": np.pad(dO, 1),
            "F turned": FILTER[::-1, ::-1],
            "dE/dX": gradients.images[0, 0],
        }
    )
    for p, q in product((1, 2, 3), repeat=2):
        terms = [
            (f"dE/dO{i}{j}", (i, j), f"F{p - i + 1}{q - j + 1}")
            for i, j in PLACES
            if (p - i + 1, q - j + 1) in PLACES
        ]
        equation(f"dE/dX{p}{q}", terms, dO, FILTER, gradients.images[0, 0, p - 1, q - 1])

    title("5. Max pooling hands the error to where the maximum came from")
    pooled = max_pool(POOLED[None, None], 2, stride=2)
    handed = max_pool_backward(POOLED[None, None], 2, POOL_ERRORS[None, None], stride=2)
    grids({"X": POOLED, "O": pooled[0, 0], "dE/dO": POOL_ERRORS, "dE/dX": handed[0, 0]})

    title("6. Does it hold?")
    compare(gradients.images, gradients.filters, handed)


def title(text: str) -> None:
    print(f"\n{text}\n")


def grids(named: dict[str, np.ndarray]) -> None:
    """The arrays side by side, each under its name."""
    blocks = []
    for name, array in named.items():
        lines = ["".join(f"{number:6g}" for number in row) for row in array]
        width = max(len(name) + 3, *map(len, lines))
        blocks.append([line.rjust(width) for line in (name, *lines)])
    height = max(map(len, blocks))
    for row in range(height):
        line = (block[row] if row < len(block) else " " * len(block[0]) for block in blocks)
        print("   ".join(line).rstrip())
    print()


def equation(
    name: str,
    terms: list[tuple[str, tuple[int, int], str]],
    left: np.ndarray,
    right: np.ndarray,
    result: float,
) -> None:
    """One number of the result: the formula, then the numbers in it."""
    formula = " + ".join(f"{first} {second}" for first, _, second in terms)
    values = " + ".join(
        f"({left[i - 1, j - 1]:g})({right[int(second[-2]) - 1, int(second[-1]) - 1]:g})"
        for _, (i, j), second in terms
    )
    print(f"  {name} = {formula}\n  {' ' * len(name)} = {values} = {result:g}")


def compare(images: np.ndarray, filters: np.ndarray, handed: np.ndarray) -> None:
    """The same gradients from torch, which knows nothing of the formulas above."""
    x, f, p = (torch.tensor(a[None, None], requires_grad=True) for a in (IMAGE, FILTER, POOLED))
    (0.5 * (F.conv2d(x, f) - torch.tensor(WANTED)) ** 2).sum().backward()
    F.max_pool2d(p, 2).backward(torch.tensor(POOL_ERRORS)[None, None])
    for mine, theirs in ((images, x), (filters, f), (handed, p)):
        assert theirs.grad is not None
        np.testing.assert_allclose(mine, theirs.grad.numpy(), rtol=0, atol=1e-12)
    print("  autograd finds the same dE/dX and dE/dF, and the same errors handed back")


if __name__ == "__main__":
    main()
