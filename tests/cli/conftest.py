"""What the command's tests share: a way to run it, a recognizer, and folders of tiny pictures."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from striate import cli
from striate.handcrafted.deformable import Component
from striate.handcrafted.pyramid import DEPTH
from striate.images import View
from striate.inference import Preprocessing
from striate.models import Normalization, create
from striate.recognizer import Recognizer
from striate.tasks.classification.network import Network
from striate.tasks.detection.dpm.predictor import DPMPredictor
from striate.tasks.table import TASKS


@dataclass(frozen=True)
class Done:
    """What a command left: its exit code, and what it printed where."""

    code: int
    out: str
    err: str

    @property
    def one_line(self) -> bool:
        """What a person sees of their own mistake: one line that begins with who says it."""
        return self.err.startswith("striate: ") and self.err.count("\n") == 1 and not self.out


@pytest.fixture
def striate(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Done]:
    """`striate("predict", "a.jpg")` runs that command in an empty folder."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def run(*arguments: object) -> Done:
        code = cli.run([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return Done(code, printed.out, printed.err)

    return run


@pytest.fixture
def pictures(tmp_path: Path) -> Callable[..., Path]:
    """`pictures({"bars": 8, "dots": 8})` is a class folder of pictures that anyone tells apart."""

    def make(classes: dict[str, int], name: str = "photos") -> Path:
        generator = np.random.default_rng(0)
        for number, (kind, count) in enumerate(classes.items()):
            folder = tmp_path / name / kind
            folder.mkdir(parents=True)
            for index in range(count):
                pixels = generator.integers(0, 60, (16, 16, 3), dtype=np.uint8)
                pixels[:, :: number + 2] += 150
                Image.fromarray(pixels).save(folder / f"{index}.png")
        return tmp_path / name

    return make


@pytest.fixture
def recognizer(tmp_path: Path) -> Path:
    """A file with a network that has learned nothing."""
    torch.manual_seed(0)
    view = View(28, channels=3, fit="squash")
    path = tmp_path / "recognizer.safetensors"
    predictor = Network(
        model=create("lenet5", classes=2, channels=3).eval(),
        architecture={"name": "lenet5", "options": {"channels": 3}},
        preprocessing=Preprocessing(view, Normalization((127.5,) * 3, (127.5,) * 3)),
        classes=2,
    )
    Recognizer(TASKS["classification"], predictor, ("bars", "dots")).save(path)
    return path


@pytest.fixture
def detector(tmp_path: Path) -> Path:
    """A file with part models at random, sure that everything is one of theirs."""
    torch.manual_seed(0)

    def component(kind: int) -> Component:
        return Component(
            kind, torch.randn(DEPTH, 3, 4), 50.0, (20.0, 40.0), torch.randn(0, DEPTH, 3, 3),
            torch.zeros(0, 2).long(), torch.zeros(0, 4), torch.zeros(4, 1),
        )  # fmt: skip

    predictor = DPMPredictor(
        (component(0), component(1)), torch.tensor([[0.01, 2.0], [0.01, 1.0]]).double()
    )
    path = tmp_path / "detector.safetensors"
    Recognizer(TASKS["detection"], predictor, ("ant", "bee")).save(path)
    return path
