"""A desk as the pages take it for granted: pictures, lists and a painting, all small."""

import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from striate.images import View
from striate.inference import Preprocessing
from striate.models import Normalization, create
from striate.recognizer import Recognizer
from striate.tasks.classification.network import Network
from striate.tasks.table import TASKS

KINDS = ("cat", "dog", "owl")


def _picture(kind: int, random: np.random.Generator, side: int = 24) -> Image.Image:
    """Stripes, narrower for each next kind."""
    pixels = random.integers(0, 60, (side, side, 3), dtype=np.uint8)
    pixels[:, :: kind + 2] += 150
    return Image.fromarray(pixels)


def _recognizer() -> Recognizer:
    """A network that has learned nothing."""
    view = View(28, channels=3, fit="squash")
    predictor = Network(
        model=create("lenet5", classes=len(KINDS), channels=3).eval(),
        architecture={"name": "lenet5", "options": {"channels": 3}},
        preprocessing=Preprocessing(view, Normalization((127.5,) * 3, (127.5,) * 3)),
        classes=len(KINDS),
    )
    return Recognizer(TASKS["classification"], predictor, KINDS)


def _fill(desk: Path) -> None:
    random = np.random.default_rng(0)
    rows = ["path,label"]
    (desk / "scans").mkdir()
    for number, kind in enumerate(KINDS):
        (desk / "photos" / kind).mkdir(parents=True)
        for index in range(12):
            picture = _picture(number, random)
            picture.save(desk / "photos" / kind / f"{index}.png")
            picture.save(desk / "scans" / f"{kind}{index}.png")
            rows.append(f"scans/{kind}{index}.png,{kind}")
        _picture(number, random, 40).save(desk / f"{kind}.jpg")
    (desk / "labels.csv").write_text("\n".join(rows) + "\n")
    (desk / "list.txt").write_text("scans/cat0.png\nscans/dog1.png\n")
    (desk / "shards").mkdir()
    with tarfile.open(desk / "shards" / "a.tar", "w") as shard:
        shard.add(desk / "scans", "scans")
    (desk / "new").mkdir()
    for index in range(4):
        _picture(index % 3, random).save(desk / "new" / f"{index}.jpg")
    _recognizer().save(desk / "photos.safetensors")
    (desk / "faces").mkdir()
    Image.fromarray(random.integers(0, 255, (2 * 36, 50 * 36), dtype=np.uint8)).save(
        desk / "faces.png"
    )


@pytest.fixture(scope="session")
def _filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    desk = tmp_path_factory.mktemp("desk")
    _fill(desk)
    return desk


@pytest.fixture
def desk(_filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, and the folder in which the test is."""
    from shutil import copytree

    place = copytree(_filled, tmp_path / "desk")
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Comparisons of pictures are of the quickest method where a page names none."""
    monkeypatch.setattr(type(TASKS["classification"]), "compared", ("handcrafted",))


@pytest.fixture
def same_tasks() -> Callable[[], None]:
    """Tasks that a page adds are taken out again."""
    before = dict(TASKS)
    yield
    TASKS.clear()
    TASKS.update(before)
