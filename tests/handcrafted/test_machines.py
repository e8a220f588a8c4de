"""Machines with kernels: at their optimum, beside liblinear, and kept in a file."""

from pathlib import Path

import pytest
import torch
from sklearn.svm import SVC, LinearSVC
from torch import Tensor

from striate.errors import ModelError, UnknownName, WeightsError
from striate.handcrafted.machines import KERNELS, KernelMachine, fit_machine
from striate.tensors import save_tensors


def clouds(count: int, width: int, classes: int) -> tuple[Tensor, Tensor]:
    """Histograms (count, width) around one of each class, and their classes."""
    targets = torch.arange(count) % classes
    centers = torch.rand(classes, width, dtype=torch.float64)
    entries = centers[targets] + 0.5 * torch.rand(count, width, dtype=torch.float64)
    return entries / entries.sum(1, keepdim=True), targets


@pytest.mark.parametrize("kernel", KERNELS)
def test_each_example_weighs_as_the_optimum_says(kernel: str) -> None:
    """The derivative of ½|w|² + C Σ max(0, 1 - y f)² is zero where w = 2 C Σ y max(0, 1 - y f) φ,
    and the same holds for the bias."""
    features, targets = clouds(40, 8, 3)
    machine = fit_machine(features, targets, classes=3, kernel=kernel, costs=(5.0,))
    margins = machine.margins(features)
    signs = torch.where(targets[:, None] == torch.arange(3), 1.0, -1.0).double()
    expected = 10 * signs * (1 - signs * margins).clamp(min=0)  # (40, 3)
    found = torch.zeros_like(expected)
    places = (features[:, None] == machine.support).all(2).nonzero()
    found[places[:, 0]] = machine.weights.T[places[:, 1]]
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(machine.bias, expected.sum(0), atol=1e-4, rtol=1e-4)


def test_beside_liblinear() -> None:
    features, targets = clouds(60, 5, 3)
    ours = fit_machine(features, targets, classes=3, kernel="linear", costs=(20.0,))
    theirs = LinearSVC(C=20.0, tol=1e-8, max_iter=100_000).fit(features, targets)
    expected = torch.from_numpy(theirs.decision_function(features))
    torch.testing.assert_close(ours.margins(features), expected, atol=1e-4, rtol=1e-4)


def test_what_no_line_parts_a_curve_does() -> None:
    angles = torch.linspace(0, 6.28, 40, dtype=torch.float64)
    ring = torch.stack([angles.cos(), angles.sin()], 1)
    features, targets = torch.cat([ring, 3 * ring]), torch.arange(80) // 40
    curved = fit_machine(features, targets, classes=2, kernel="rbf", costs=(10.0,))
    assert (curved.predict(features) == targets).all()
    theirs = SVC(C=10.0, gamma=curved.gamma).fit(features, targets)
    grid = torch.cartesian_prod(*2 * [torch.linspace(-4, 4, 20, dtype=torch.float64)])
    same = curved.predict(grid) == torch.from_numpy(theirs.predict(grid))
    assert same.double().mean() > 0.95  # the loss is another
    straight = fit_machine(features, targets, classes=2, kernel="linear", costs=(10.0,))
    assert (straight.predict(features) == targets).double().mean() < 0.8


def test_far_examples_are_forgotten() -> None:
    features = torch.tensor([[-9.0], [-1.0], [1.0], [9.0]], dtype=torch.float64)
    machine = fit_machine(features, torch.tensor([0, 0, 1, 1]), classes=2, kernel="linear",
                          costs=(1000.0,))  # fmt: skip
    torch.testing.assert_close(machine.support, features[1:3])


@pytest.mark.parametrize("kernel", KERNELS)
def test_repeated_examples_do_no_harm(kernel: str) -> None:
    features, targets = clouds(20, 3, 2)
    machine = fit_machine(features.float().repeat(4, 1), targets.repeat(4), classes=2,
                          kernel=kernel, costs=(1.0,))  # fmt: skip
    once = fit_machine(features, targets, classes=2, kernel=kernel, costs=(4.0,))
    torch.testing.assert_close(
        machine.margins(features.float()), once.margins(features).float(), atol=1e-3, rtol=1e-3
    )


def test_the_cost_is_chosen_on_what_is_held_out() -> None:
    features, targets = clouds(60, 6, 3)
    others = clouds(90, 6, 3)
    trials = [
        fit_machine(features, targets, classes=3, kernel="chi2", costs=(cost,), held_out=others)
        for cost in (0.01, 1.0, 100.0)
    ]
    chosen = fit_machine(features, targets, classes=3, kernel="chi2", costs=(0.01, 1.0, 100.0),
                         held_out=others)  # fmt: skip
    assert chosen.validation == max(trial.validation for trial in trials)
    assert chosen.cost == max(trials, key=lambda trial: trial.validation).cost
    with pytest.raises(ModelError, match="held_out"):
        fit_machine(features, targets, classes=3, costs=(1.0, 2.0))


def test_it_comes_back_from_its_file(tmp_path: Path) -> None:
    features, targets = clouds(30, 4, 3)
    machine = fit_machine(features.float(), targets, classes=3, kernel="intersection")
    machine.save(tmp_path / "m.safetensors")
    back = KernelMachine.load(tmp_path / "m.safetensors")
    assert torch.equal(back.margins(features), machine.margins(features))
    assert (back.kernel, back.cost) == ("intersection", 1.0)
    tensors = {"support": machine.support, "weights": machine.weights[:, 1:], "bias": machine.bias}
    header = {"kind": "kernel machine", "kernel": "rbf", "gamma": 1.0, "cost": 1.0,
              "validation": None}  # fmt: skip
    save_tensors(tmp_path / "d.safetensors", tensors, header)
    with pytest.raises(WeightsError, match="damaged"):
        KernelMachine.load(tmp_path / "d.safetensors")
    save_tensors(tmp_path / "o.safetensors", tensors, {"kind": "network"})
    with pytest.raises(WeightsError, match="no kernel machine"):
        KernelMachine.load(tmp_path / "o.safetensors")


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(UnknownName, match="chi2"):
        fit_machine(torch.rand(4, 2), torch.arange(4), classes=4, kernel="chi")
    with pytest.raises(ModelError, match="0 examples"):
        fit_machine(torch.rand(0, 2), torch.arange(0), classes=4)
