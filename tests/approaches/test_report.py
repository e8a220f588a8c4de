"""The report: everything of the table in it, nothing of a file's name taken for HTML."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from striate import data
from striate.approaches import Comparison, Outcome
from striate.data import Decoded
from striate.images import View
from striate.recognizer import Recognizer
from striate.training import Preprocessing

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes, one with the name of a script, of twelve colored squares each."""
    for label, color in ((HOSTILE.replace("/", "∕"), (200, 30, 30)), ("plain $x_{", (30, 30, 200))):
        folder = tmp_path / "photos" / label
        folder.mkdir(parents=True)
        for number in range(12):
            Image.new("RGB", (80, 80), (*color[:2], color[2] + number)).save(
                folder / f"{number}.png"
            )
    (folder / "broken & bad.jpg").write_bytes(b"no picture")
    return tmp_path / "photos"


def outcome(dataset: data.Dataset, approach: str, *, right: int) -> Outcome:
    """An outcome that names the first `right` test images rightly."""
    targets = dataset.test.targets
    probabilities = np.full((len(targets), 2), 0.1, dtype=np.float32)
    given = np.where(np.arange(len(targets)) < right, targets, 1 - targets)
    probabilities[np.arange(len(targets)), given] = 0.9
    shape = View(8)
    recognizer = Recognizer(
        nn.Sequential(nn.Flatten(), nn.Linear(8 * 8 * 3, 2)),
        {"name": None},
        Preprocessing(shape, (0.0,) * 3, (1.0,) * 3),
        dataset.classes,
        provenance={"approach": approach},
    )
    curve = tuple({"epoch": e, "step": e, "loss": 1.0 / e, "top1": 0.5 + e / 10} for e in (1, 2, 3))
    top1 = right / len(targets)
    return Outcome(
        approach, 0, recognizer, probabilities, targets, top1, 1.0, {"train": 1.5}, 4, 10**6, curve
    )


@pytest.fixture
def comparison(photos: Path) -> Comparison:
    decoded = data.decode(data.open(photos), [View(8)])
    dataset = decoded.dataset
    return Comparison(
        Decoded(dataset, decoded.pixels),
        (outcome(dataset, "transfer", right=3), outcome(dataset, "scratch", right=1)),
    )


def test_names_from_files_are_escaped(comparison: Comparison, tmp_path: Path) -> None:
    page = comparison.report(tmp_path / "report.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "plain $x_{" in page


def test_what_was_left_out_is_named(comparison: Comparison, tmp_path: Path) -> None:
    page = comparison.report(tmp_path / "report.html").read_text()
    assert "broken &amp; bad.jpg" in page


def test_the_page_needs_no_network(comparison: Comparison, tmp_path: Path) -> None:
    page = comparison.report(tmp_path / "report.html").read_text()
    assert re.findall(r"https?://", page) == []
    assert all(source.startswith("data:image/") for source in re.findall(r'src="([^"]*)', page))


def test_the_advice_heads_the_page(comparison: Comparison, tmp_path: Path) -> None:
    page = comparison.report(tmp_path / "report.html").read_text()
    assert f"<h1>{comparison.advice}</h1>" in page


def test_mistakes_are_shown_as_pictures(comparison: Comparison, tmp_path: Path) -> None:
    wrong = len(comparison.dataset.test) - 3
    page = comparison.report(tmp_path / "report.html").read_text()
    assert page.count("90 % sure") == wrong
    before, after = page.split("What its answers hang on")
    assert before.count("<img") == wrong + 2  # and one sample a class
    assert after.count("<img") == after.count(", right<") + min(wrong, 3)


def test_a_file_that_vanished_leaves_its_name(
    comparison: Comparison, photos: Path, tmp_path: Path
) -> None:
    for file in photos.rglob("*.png"):
        file.unlink()
    page = comparison.report(tmp_path / "report.html").read_text()
    assert "<img" not in page
    assert page.count("90 % sure") == len(comparison.dataset.test) - 3


def test_many_classes_are_listed_by_their_confusions() -> None:
    from striate.approaches.report import _confusion

    table = np.eye(40, dtype=np.int64)
    table[3, 5] = 7
    page = _confusion([f"class {k}" for k in range(40)], table)
    assert page["confusion"] is None
    assert page["pairs"] == [{"true": "class 3", "given": "class 5", "count": 7}]


def test_random_state_is_left_alone(comparison: Comparison, tmp_path: Path) -> None:
    before = torch.get_rng_state()
    comparison.report(tmp_path / "report.html")
    assert torch.equal(before, torch.get_rng_state())
