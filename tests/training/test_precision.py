"""Products in fewer bits: the weights stay float32, small gradients survive."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from striate.training import Recipe
from striate.training.loop import Objective, train
from striate.training.precision import in_precision, precision_on, scaler_for


def objective(model: nn.Module, precision: Any, size: float = 1.0) -> Objective[Tensor]:
    def losses(x: Tensor) -> dict[str, Tensor]:
        output = model(x)
        seen.append(output.dtype)
        return {"square": size * output.float().square().mean()}

    seen: list[torch.dtype] = []
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    rounded = in_precision(precision, losses, model)
    made = Objective(rounded, optimizer, scaler=scaler_for(precision, model))
    list(train([made], [torch.full((2, 3), 0.5)]))
    assert seen == [getattr(torch, precision)]
    return made


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_products_are_rounded_and_weights_are_not(precision: str) -> None:
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    before = model.weight.detach().clone()
    objective(model, precision)
    assert model.weight.dtype == torch.float32
    assert not torch.equal(model.weight, before)


def test_gradients_too_small_for_half_are_scaled() -> None:
    model = nn.Linear(3, 1, bias=False)
    nn.init.constant_(model.weight, 1.0)
    made = objective(model, "float16", size=1e-8)
    # d/dw of 1e-8 * 1.5^2 is 1e-8 * 2 * 1.5 * 0.5: below the 6e-8 where float16 ends
    assert made.scaler is not None
    gradient = torch.full((1, 3), 1.5e-8)
    torch.testing.assert_close(model.weight.grad, gradient, rtol=2e-3, atol=0)


def test_the_recipe_says_which() -> None:
    assert Recipe(1, 1, 0.1).precision == "float32"


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [({"avx512_bf16": True}, "bfloat16"), ({"avx2": True}, "float32"), ({}, "float32")],
)
def test_auto_rounds_where_the_processor_multiplies_it(
    capabilities: dict[str, bool], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert precision_on(torch.device("cpu"), "auto") == expected
    seen: list[torch.dtype] = []

    def losses(x: Tensor) -> dict[str, Tensor]:
        seen.append(model(x).dtype)
        return {}

    model = nn.Linear(3, 2)
    in_precision("auto", losses, model)(torch.zeros(1, 3))
    assert seen == [getattr(torch, expected)]


@pytest.mark.parametrize(("capability", "expected"), [((8, 0), "bfloat16"), ((7, 5), "float32")])
def test_auto_on_a_gpu_asks_for_its_generation(
    capability: tuple[int, int], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert precision_on(torch.device("cuda"), "auto") == expected
    assert precision_on(torch.device("cuda"), "float16") == "float16"
    assert precision_on(torch.device("mps"), "auto") == "float32"
