"""Whatever computes, the answer is the same; what was measured is remembered."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from striate import images as pictures
from striate.errors import MissingExtra, UnknownName
from striate.models import create
from striate.recognizer import Recognizer, engines
from striate.recognizer.conversion import settled
from striate.recognizer.engines import ENGINES, Engines, installed

Make = Callable[[str], Recognizer]


@pytest.mark.parametrize("name", [n for n in ENGINES if n != "compiled"])
def test_same_answers(name: str, recognizer: Make, pixels: NDArray[np.uint8]) -> None:
    if name not in installed():
        pytest.skip(f"{name} is not installed")
    ours = recognizer("lenet5")
    seen = np.stack([pictures.apply(p, ours.preprocessing.view) for p in pixels])
    found = replace(ours, engine=name)
    np.testing.assert_allclose(found.probabilities(seen), ours.probabilities(seen), atol=1e-5)
    for count in (1, 3):
        some = found.probabilities(seen[:count])
        np.testing.assert_allclose(some, ours.probabilities(seen[:count]), atol=1e-5)


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


def test_names_that_there_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
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
