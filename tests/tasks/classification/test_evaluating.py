"""Recognizers beside each other on the same pictures: windows, means and trees."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from striate.data import Array, Dataset, Files, Labels
from striate.errors import DataError, UserError
from striate.images import View
from striate.inference import Preprocessing
from striate.models import Normalization
from striate.recognizer import Recognizer
from striate.tasks.classification.network import Network
from striate.tasks.classification.task import Classification
from striate.tasks.classification.windows import Windowed, Windows
from striate.tasks.contract import Scores
from striate.tasks.labels.scores import Classified

TASK = Classification()
ROWS = tuple(range(12, 30))


@pytest.fixture
def pictures() -> Dataset[Labels]:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (30, 37, 37, 3), dtype=np.uint8)
    split = np.repeat(np.array([0, 2], np.int8), [12, 18])
    return Dataset("noise", Array(pixels), Labels(("a", "b", "c"), np.arange(30) % 3), split)


def recognizer(seed: int, names: tuple[str, ...] = ("a", "b", "c"), side: int = 32) -> Recognizer:
    import torch

    from striate.models import create

    torch.manual_seed(seed)
    network = Network(
        model=create("lenet5", classes=len(names), channels=3, image_size=side).eval(),
        architecture={"name": "lenet5", "options": {"channels": 3, "image_size": side}},
        preprocessing=Preprocessing(
            View(side, fit="squash"), Normalization((120.0,) * 3, (60.0,) * 3)
        ),
        classes=len(names),
    )
    return Recognizer(TASK, network, names)


def evaluated(
    recognizers: dict[str, Recognizer], dataset: Dataset[Labels], **options: Any
) -> dict[str, Classified]:
    found = TASK.evaluated(recognizers, dataset, ROWS, options, batch_size=5)
    for one in found.values():
        assert isinstance(one, Scores)
    return found  # type: ignore[return-value]


def prepared(one: Recognizer, dataset: Dataset[Labels]) -> np.ndarray:
    return np.stack([one.predictor.prepare(dataset.inputs[row]) for row in ROWS])


def test_each_beside_the_others(pictures: Dataset[Labels]) -> None:
    first, second = recognizer(1), recognizer(2, ("c", "a", "b"), side=28)
    found = evaluated({"first": first, "second": second}, pictures)
    assert list(found) == ["first", "second"]
    for name, one in (("first", first), ("second", second)):
        assert isinstance(one.predictor, Network)
        expected = one.predictor.answers(prepared(one, pictures))[0]
        np.testing.assert_allclose(found[name].probabilities, expected, atol=1e-6)
        assert [one.names[k] for k in found[name].targets] == [
            pictures.classes[pictures.targets.numbers[row]] for row in ROWS
        ]
        assert found[name].seconds > 0


def test_the_mean_of_all_by_name_of_the_class(pictures: Dataset[Labels]) -> None:
    first, second = recognizer(1), recognizer(2, ("c", "a", "b"))
    each = evaluated({"first": first, "second": second}, pictures)
    found = evaluated({"first": first, "second": second}, pictures, ensemble=True)
    assert list(found) == ["first + second"]
    mean = (each["first"].probabilities + each["second"].probabilities[:, [1, 2, 0]]) / 2
    np.testing.assert_allclose(found["first + second"].probabilities, mean, atol=1e-6)
    with pytest.raises(DataError, match="'d' is not in all"):
        evaluated({"x": first, "y": recognizer(3, ("a", "b", "c", "d"))}, pictures, ensemble=True)


def test_windows(pictures: Dataset[Labels]) -> None:
    one = recognizer(1)
    assert isinstance(one.predictor, Network)
    found = evaluated({"one": one}, pictures, crops=10)
    ten = Windowed(one.predictor, Windows(crops=10))
    told = ten.predict([ten.prepare(pictures.inputs[row]) for row in ROWS])
    expected = np.stack([each.probabilities for each in told])
    np.testing.assert_allclose(found["one"].probabilities, expected, atol=1e-6)
    with pytest.raises(UserError, match="crops are 1, 10, 50 or 144, not 3"):
        evaluated({"one": one}, pictures, crops=3)
    with pytest.raises(UserError, match="leave out the crops"):
        evaluated({"one": one}, pictures, crops=10, dense=True)


def test_a_tree(pictures: Dataset[Labels], tmp_path: Path) -> None:
    tree = tmp_path / "tree.txt"
    tree.write_text("a\tx\nb\tx\nx\ty\nc\ty\n")
    found = evaluated({"one": recognizer(1)}, pictures, tree=tree)["one"]
    assert found.to_json()["tree"]["hierarchical_error"] > 0
    tree.write_text("a\tx\nb\tx\n")
    with pytest.raises(DataError, match="does not hold 'c'"):
        evaluated({"one": recognizer(1)}, pictures, tree=tree)["one"].to_json()


def test_broken_files_are_left_out_by_name(tmp_path: Path) -> None:
    """Also where the labels of the set are no matter: a class may lose all of its pictures."""
    paths = []
    for number in range(30):
        path = tmp_path / f"{number}.png"
        Image.fromarray(np.full((20, 20, 3), 8 * number, np.uint8)).save(path)
        paths.append(path.name)
    for number in (12, 15, 20):
        (tmp_path / f"{number}.png").write_text("I am no picture")
    dataset = Dataset(
        "files", Files(paths, tmp_path), Labels(("a", "b", "c"), np.arange(30) % 3),
        np.zeros(30, np.int8),
    )  # fmt: skip
    one = recognizer(1)
    found = evaluated({"one": one}, dataset)["one"]
    assert found.examples == 15
    assert [name for name, _ in found.broken] == ["12.png", "15.png", "20.png"]
    kept = [row for row in ROWS if row not in (12, 15, 20)]
    assert found.targets.tolist() == [row % 3 for row in kept]
    expected = one([str(tmp_path / f"{row}.png") for row in kept])
    best = [prediction.labels[0].name for prediction in expected]
    assert [one.names[k] for k in found.given] == best
    for number in range(30):
        (tmp_path / f"{number}.png").write_text("I am no picture")
    with pytest.raises(DataError, match="not an image"):
        evaluated({"one": one}, dataset)


def test_a_class_that_a_recognizer_lacks_is_found_before_any_work(
    pictures: Dataset[Labels], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr("striate.tasks.classification.evaluating.decode", never)
    with pytest.raises(DataError, match="does not know b; it knows a, c"):
        evaluated({"one": recognizer(1, ("a", "c"))}, pictures)


def test_the_names_and_the_order_of_rows_do_not_matter(pictures: Dataset[Labels]) -> None:
    one = recognizer(1)
    rows = list(reversed(ROWS))
    found = TASK.evaluated({"one": one}, pictures, rows, {}, batch_size=4)["one"]
    assert found.value == evaluated({"one": one}, pictures)["one"].value
    again = replace(pictures, split=np.zeros(30, np.int8))  # all of it was learned from: no matter
    assert TASK.evaluated({"one": one}, again, rows, {}, batch_size=4)["one"].value == found.value
