"""Support vector machines with a kernel, one class against the rest (the kernel trick).

A machine is linear in the space of its kernel. All that can be learned there lies in the span of
the training examples, so a triangle whose product with itself is their Gram matrix stands for them,
and `svm.linear_svm` (squared hinge loss, the bias counted in the length) does the work. What comes
out is f(x) = sum of weight · kernel(example, x) + bias; an example beyond its margin weighs nothing
and is forgotten.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite, nan
from typing import Any

import torch
from torch import Tensor

from striate.errors import ModelError, UnknownName, WeightsError, one_line
from striate.handcrafted import kernels
from striate.handcrafted.svm import linear_svm
from striate.tensors import load_tensors, same_form, save_tensors

KERNELS: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "linear": lambda first, second, _: kernels.linear(first, second),
    "rbf": lambda first, second, gamma: kernels.rbf(first, second, gamma=gamma),
    "chi2": lambda first, second, _: kernels.chi2(first, second),
    "intersection": lambda first, second, _: kernels.intersection(first, second),
}
RIDGE = 1e-8  # beside the mean of the diagonal: some examples may depend on others
TOLERANCE = 1e-6  # of the solver; weights of examples are read off the margins at the end
AT_ONCE = 256  # examples whose kernels are held together


@dataclass(frozen=True, eq=False)
class KernelMachine:
    """What was learned: plain tensors.

    Attributes:
        kernel: a key of `KERNELS`.
        gamma: of "rbf"; the others do without.
        cost: of a misplaced example.
        validation: the share of the held-out examples that is named rightly; nan without any.
        support: (M, D) the examples that weigh something.
        weights: (classes, M).
        bias: (classes,).
    """

    kernel: str
    gamma: float
    cost: float
    validation: float
    support: Tensor
    weights: Tensor
    bias: Tensor

    def margins(self, features: Tensor) -> Tensor:
        """(N, classes) of features (N, D): above 0 on the side of a class."""
        parts = [
            KERNELS[self.kernel](some, self.support, self.gamma) @ self.weights.T + self.bias
            for some in features.to(self.support).split(AT_ONCE)
        ]
        return torch.cat(parts) if parts else self.bias.new_zeros(0, len(self.bias))

    def predict(self, features: Tensor) -> Tensor:
        """(N,) int64, the class with the largest margin of each of the features (N, D)."""
        return self.margins(features).argmax(1)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes one .safetensors file."""
        tensors = {"support": self.support, "weights": self.weights, "bias": self.bias}
        validation = self.validation if isfinite(self.validation) else None
        save_tensors(
            path, tensors, {
                "kind": "kernel machine", "kernel": self.kernel, "gamma": self.gamma,
                "cost": self.cost, "validation": validation,
            },
        )  # fmt: skip

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "KernelMachine":
        """What `save` wrote.

        Raises:
            WeightsError: if it is another file, or damaged.
        """
        tensors, header = load_tensors(path)
        if header.get("kind") != "kernel machine":
            raise WeightsError(f"{path} holds no kernel machine")
        try:
            return cls._restored(tensors, header)
        except (LookupError, TypeError, ValueError) as error:
            raise WeightsError(f"{path} is a damaged kernel machine ({one_line(error)})") from error

    @classmethod
    def _restored(cls, tensors: dict[str, Tensor], header: dict[str, Any]) -> "KernelMachine":
        kernel, gamma, cost = header["kernel"], float(header["gamma"]), float(header["cost"])
        validation = nan if header["validation"] is None else float(header["validation"])
        if kernel not in KERNELS or not (isfinite(gamma) and isfinite(cost)):
            raise ValueError(f"a kernel {one_line(kernel, 40)}, gamma {gamma}, cost {cost}")
        (count, width), classes = tensors["support"].shape, len(tensors["bias"])
        empty = tensors["support"].new_empty
        expected = {
            "support": empty(count, width),
            "weights": empty(classes, count),
            "bias": empty(classes),
        }
        same_form(expected, tensors)
        return cls(kernel, gamma, cost, validation, **tensors)


def fit_machine(
    features: Tensor,
    targets: Tensor,
    *,
    classes: int,
    kernel: str = "rbf",
    costs: Sequence[float] = (1.0,),
    gamma: float | None = None,
    held_out: tuple[Tensor, Tensor] | None = None,
) -> KernelMachine:
    """Learns a machine from features (N, D) and targets (N,) int64 in [0, classes).

    The Gram matrix (N, N) is held in memory, in double precision.

    Args:
        kernel: "linear", "rbf", or for histograms, which hold nothing negative, "chi2" or
            "intersection".
        costs: above 0; larger fits the training examples more closely. Of several, ascending, the
            one is taken that names most of `held_out` rightly, the first of equal ones.
        gamma: of "rbf"; where None, one over the mean squared distance of two examples.
        held_out: features (M, D) and targets (M,) to choose on.

    Raises:
        UnknownName: if there is no such kernel.
        ModelError: if there is nothing to choose on, or nothing to learn from.
    """
    if kernel not in KERNELS:
        raise UnknownName("kernel", kernel, KERNELS)
    if len(features) == 0 or len(features) != len(targets) or not costs:
        raise ModelError(
            f"{len(features)} examples with {len(targets)} classes and {len(costs)} costs: a "
            "machine learns from one example or more, a class for each, at one cost or more"
        )
    if len(costs) > 1 and held_out is None:
        raise ModelError(f"give held_out examples to choose among {len(costs)} costs on")
    gamma = usual_gamma(features) if gamma is None else gamma
    exact = features.double()  # what rounding makes of a zero eigenvalue stays below the ridge
    gram = KERNELS[kernel](exact, exact, gamma)
    ridge = RIDGE * max(float(gram.diagonal().mean()), 1e-30)
    inside = torch.linalg.cholesky(gram + ridge * torch.eye(len(gram), dtype=gram.dtype))
    signs = torch.full((len(targets), classes), -1.0, dtype=gram.dtype)
    signs[torch.arange(len(targets)), targets] = 1.0
    best: KernelMachine | None = None
    start: Tensor | None = None
    for cost in costs:
        start = linear_svm(
            inside, targets, classes=classes, cost=cost, start=start, tolerance=TOLERANCE
        )
        margins = inside @ start[:, :-1].T + start[:, -1]
        weights = 2 * cost * signs * (1 - signs * margins).clamp(min=0)  # (N, classes)
        some = (weights != 0).any(1)
        machine = KernelMachine(
            kernel, gamma, cost, nan, features[some],
            weights[some].T.to(features).contiguous(), weights.sum(0).to(features),
        )  # fmt: skip
        machine = machine if held_out is None else judged(machine, *held_out)
        if best is None or machine.validation > best.validation:
            best = machine
    assert best is not None
    return best


def judged(machine: KernelMachine, features: Tensor, targets: Tensor) -> KernelMachine:
    """The same, told how much of these it names rightly."""
    right = float((machine.predict(features) == targets).double().mean())
    return KernelMachine(
        machine.kernel, machine.gamma, machine.cost, right,
        machine.support, machine.weights, machine.bias,
    )  # fmt: skip


def usual_gamma(features: Tensor) -> float:
    """One over the mean squared distance between two of the features (N, D); 1 if all are equal.

    >>> usual_gamma(torch.tensor([[0.0], [2.0]]))
    0.5
    """
    spread = 2 * float((features - features.mean(0)).square().sum(1).mean())
    return 1 / spread if spread > 0 else 1.0
