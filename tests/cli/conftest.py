"""What the command's tests share: a way to run it, a recognizer, and folders of tiny pictures."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from striate import cli
from striate.images import View
from striate.models import create
from striate.recognizer import Recognizer
from striate.training import Preprocessing


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
    Recognizer(
        create("lenet5", classes=2, channels=3),
        {"name": "lenet5", "options": {"channels": 3}},
        Preprocessing(view, (127.5,) * 3, (127.5,) * 3),
        ("bars", "dots"),
    ).save(path)
    return path
