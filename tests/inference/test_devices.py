"""Which device computes: as it is named, the fastest, or the one chosen for a while."""

import contextlib
import threading
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from striate.errors import UserError
from striate.images import View
from striate.inference import Preprocessing, device_named, device_of, fastest_device, on_device
from striate.inference.devices import sent
from striate.models import Normalization, create
from striate.recognizer import Recognizer
from striate.tasks.classification.network import Network
from striate.tasks.table import TASKS


def with_devices(monkeypatch: pytest.MonkeyPatch, *, cuda: int = 0, mps: bool = False) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "fastest"),
    [(0, False, "cpu"), (2, False, "cuda"), (0, True, "mps"), (1, True, "cuda")],
)
def test_the_fastest(cuda: int, mps: bool, fastest: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_devices(monkeypatch, cuda=cuda, mps=mps)
    assert device_named("auto") == fastest_device() == torch.device(fastest)
    assert device_named("cpu") == torch.device("cpu")


def test_names(monkeypatch: pytest.MonkeyPatch) -> None:
    with_devices(monkeypatch, cuda=2)
    assert device_named("cuda:1") == torch.device("cuda", 1)
    for name, reason in (
        ("cuda:2", "torch finds 2 CUDA devices here"),
        ("mps", "no Metal device"),
        ("tpu", "expected auto, cpu, cuda, cuda:N or mps"),
        ("meta", "expected auto, cpu, cuda, cuda:N or mps"),
        ("", "expected auto"),
    ):
        with pytest.raises(UserError, match=reason) as caught:
            device_named(name)
        assert str(caught.value).startswith(f"--device {name}: ")
    with_devices(monkeypatch)
    with pytest.raises(UserError, match="torch finds no CUDA devices here"):
        device_named("cuda")


def test_a_device_chosen_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only there, only in this thread, and also where the block fails."""
    with_devices(monkeypatch, cuda=2)
    elsewhere: list[torch.device] = []
    with on_device("cuda:1") as device:
        assert fastest_device() == device == torch.device("cuda", 1)
        thread = threading.Thread(target=lambda: elsewhere.append(fastest_device()))
        thread.start()
        thread.join()
        with contextlib.suppress(KeyError), on_device("cpu"):
            elsewhere.append(fastest_device())
            raise KeyError
        assert fastest_device() == device
    assert elsewhere == [torch.device("cuda"), torch.device("cpu")]
    assert fastest_device() == torch.device("cuda")


class Pixels:
    """A tensor that notes what is asked of it."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def pin_memory(self) -> "Pixels":
        self.asked.append("pinned")
        return self

    def to(self, device: Any, *, non_blocking: bool = False) -> "Pixels":
        self.asked.append((str(device), non_blocking))
        return self


@pytest.mark.parametrize(
    ("device", "asked"),
    [
        ("cpu", [("cpu", False)]),
        ("mps", [("mps", False)]),
        ("cuda:1", ["pinned", ("cuda:1", True)]),
        (torch.device("cuda"), ["pinned", ("cuda", True)]),
    ],
)
def test_a_gpu_fetches_pixels_while_the_next_are_prepared(device: Any, asked: list[Any]) -> None:
    pixels: Any = Pixels()
    assert sent(pixels, device) is pixels
    assert pixels.asked == asked


def test_pixels_of_an_answer_are_sent_so(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def note(tensor: torch.Tensor, device: Any) -> torch.Tensor:
        seen.append((tuple(tensor.shape), tensor.dtype, str(device)))
        return tensor

    monkeypatch.setattr("striate.inference.preprocessing.sent", note)
    rule = Preprocessing(View(4), Normalization((9.0,) * 3, (5.0,) * 3))
    rule.tensor(np.zeros((2, 4, 4, 3), np.uint8), "cuda")
    assert seen == [((2, 4, 4, 3), torch.uint8, "cuda")]


def test_where_a_network_is() -> None:
    assert device_of(nn.Linear(1, 1)).type == "cpu"
    assert device_of(nn.Linear(1, 1, device="meta")).type == "meta"
    assert device_of(nn.ReLU()).type == "cpu"


def test_a_recognizer_answers_on_its_device(second_device) -> None:
    """Predictions and features: images go there as bytes, and only results come back."""
    predictor = Network(
        model=create("lenet5", classes=3, channels=3).eval(),
        architecture={"name": "lenet5", "options": {"channels": 3}},
        preprocessing=Preprocessing(View(32, fit="squash"), Normalization((9.0,) * 3, (5.0,) * 3)),
        classes=3,
    )
    recognizer = Recognizer(TASKS["classification"], predictor, ("a", "b", "c"))
    some = [np.zeros((40, 50, 3), np.uint8)] * 2
    recognizer(some)
    assert not second_device.computed
    recognizer.to(torch.device("meta"))
    second_device.moved.clear()
    assert len(recognizer(some)) == 2
    assert ("meta", (2, 32, 32, 3)) in second_device.moved
    assert ("cpu", (2, 3)) in second_device.moved
    assert {"addcmul", "conv2d", "linear"} <= second_device.computed
    second_device.computed.clear()
    assert recognizer.features(some).shape == (2, 84)
    assert {"addcmul", "convolution", "addmm"} <= second_device.computed
