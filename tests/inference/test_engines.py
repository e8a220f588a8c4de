"""Whatever computes, and wherever, the answer is the same; what was measured is remembered."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from striate.errors import MissingExtra, UnknownName, UserError
from striate.images import View
from striate.inference import Preprocessing, engines
from striate.inference.conversion import settled
from striate.inference.engines import ENGINES, Engines, installed
from striate.inference.outputs import outputs_of
from striate.models import Normalization, create

SHAPE = (3, 32, 32)


@pytest.fixture
def network() -> nn.Module:
    """LeNet-5 for color images, with logits that differ."""
    model = create("lenet5", classes=3, channels=3).eval()
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=0.2)
    return model


@pytest.mark.parametrize("name", [n for n in ENGINES if n != "compiled"])
def test_same_answers(name: str, network: nn.Module) -> None:
    if name not in installed():
        pytest.skip(f"{name} is not installed")
    images = torch.randn(7, *SHAPE)
    with torch.no_grad():
        expected = network(images)
    found = Engines(network, SHAPE, name)
    assert expected.std() > 0.1
    for count in (1, 3, 7):
        some = found(images[:count].contiguous(memory_format=torch.channels_last))
        torch.testing.assert_close(some, expected[:count], atol=1e-5, rtol=1e-4)


def test_answers_on_another_device(network, second_device) -> None:
    """The network and its input move there, and only outputs come back."""
    found = Engines(network, SHAPE)
    assert found.device == torch.device("cpu")
    there = torch.device("meta")
    found.to(there)
    assert found.device == there
    second_device.moved.clear()
    outputs = found(torch.randn(2, *SHAPE))
    assert outputs.device.type == "cpu"
    assert second_device.moved == [("meta", (2, *SHAPE)), ("cpu", (2, 3))]
    assert {"conv2d", "linear"} <= second_device.computed


def test_stored_pixels_are_normalized_on_the_device(network, second_device) -> None:
    rule = Preprocessing(View(32), Normalization((1.0,) * 3, (2.0,) * 3))
    found = Engines(network, SHAPE)
    found.to("meta")
    second_device.moved.clear()
    outputs = outputs_of(found, rule, np.zeros((5, 32, 32, 3), np.uint8), batch_size=3)
    assert outputs.shape == (5, 3)
    assert outputs.device.type == "cpu"
    images = [shape for place, shape in second_device.moved if place == "meta" and len(shape) == 4]
    assert images == [(3, 32, 32, 3), (2, 32, 32, 3)]  # bytes, not yet in single precision
    assert "addcmul" in second_device.computed


def test_back_on_the_cpu_it_answers_as_before(network) -> None:
    images = torch.randn(2, *SHAPE)
    found = Engines(network, SHAPE)
    before = found(images)
    found.to("cpu")
    assert torch.equal(found(images), before)


@pytest.mark.parametrize("name", ["onnxruntime", "auto"])
def test_other_runtimes_compute_on_the_cpu(name: str, network: nn.Module) -> None:
    if name == "onnxruntime" and name not in installed():
        pytest.skip("onnxruntime is not installed")
    found = Engines(network, SHAPE, name)
    found.to("cpu")
    with pytest.raises(UserError, match=f"--engine {name} is for the CPU; leave out --device meta"):
        found.to("meta")
    assert found.device.type == "cpu"


def counting(seconds: dict[str, float], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Engines that take that long; returns the names of those that were built."""
    built: list[str] = []

    def builder(name: str) -> Callable[..., engines.Engine]:
        def build(network: torch.nn.Module, shape: tuple[int, int, int]) -> engines.Engine:
            built.append(name)
            if seconds[name] < 0:
                raise RuntimeError("cannot compute this")
            return lambda images: engines.time.sleep(seconds[name]) or network(images)

        return build

    monkeypatch.setattr(engines, "ENGINES", {n: (builder(n), ()) for n in seconds})
    return built


def test_the_fastest_is_taken_and_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = counting({"torch": 0.01, "slow": 0.02, "quick": 0.0, "broken": -1}, monkeypatch)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2))
    first = Engines(network, (3, 2, 2), "auto")
    first(torch.zeros(1, 3, 2, 2))
    assert sorted(set(built)) == ["broken", "quick", "slow", "torch"]
    assert first.choice == {"1": "quick", "32": "quick"}
    built.clear()
    again = Engines(network, (3, 2, 2), "auto")
    again(torch.zeros(40, 3, 2, 2))
    assert built == ["quick"]
    (kept,) = (tmp_path / "cache" / "engines").iterdir()
    kept.write_text(json.dumps({"1": "gone", "32": "quick"}))  # since then uninstalled
    assert Engines(network, (3, 2, 2), "auto").choice["1"] == "quick"
    kept.write_text("half a fi")
    assert Engines(network, (3, 2, 2), "auto").choice["1"] == "quick"
    assert Engines(network, (3, 2, 2)).key() != Engines(network, (3, 4, 1)).key()


def test_names_that_do_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    network = torch.nn.Linear(1, 1)
    with pytest.raises(UnknownName, match="no engine is called 'tensorrt'"):
        Engines(network, (1, 1, 1), "tensorrt")
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    assert installed() == ["torch", "compiled"]
    with pytest.raises(MissingExtra, match=r"the engine openvino needs .*striate\[export\]"):
        Engines(network, (1, 1, 1), "openvino")


@pytest.mark.parametrize("size", [33, 50, 64])
def test_written_out_padding_pads_the_same(size: int) -> None:
    model = create("efficientnet_lite0", classes=5).eval()
    images = torch.randn(2, 3, size, size)
    with torch.no_grad():
        expected = model(images)
        found = settled(model, images[:1])(images)
    assert not any("SameConv2d" in type(m).__name__ for m in model.modules())
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))
