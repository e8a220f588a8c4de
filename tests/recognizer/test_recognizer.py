"""One picture, one answer: from a path, from an array, alone or among a thousand."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from striate import images as pictures
from striate.errors import ImageError, ModelError, UnknownName
from striate.recognizer import Calibration, Label, Prediction, Recognizer
from striate.recognizer.reading import AHEAD
from striate.recognizer.storage import BAG

Make = Callable[[str], Recognizer]
NAMES = ["lenet5", "efficientnet_lite0", BAG]


def as_table(predictions: list[Prediction], classes: tuple[str, ...]) -> NDArray[np.float32]:
    """Probabilities in the order of the classes."""
    rows = [{k.name: k.probability for k in prediction.labels} for prediction in predictions]
    return np.array([[row[name] for name in classes] for row in rows], np.float32)


@pytest.mark.parametrize("name", NAMES)
def test_paths_arrays_and_pixels_agree(
    name: str, recognizer: Make, pixels: NDArray[np.uint8], paths: list[Path]
) -> None:
    ours = recognizer(name)
    view = ours.preprocessing.view
    expected = ours.probabilities(np.stack([pictures.apply(p, view) for p in pixels]))
    from_paths, from_arrays = ours(paths), ours(list(pixels))
    np.testing.assert_array_equal(as_table(from_paths, ours.classes), expected)
    np.testing.assert_array_equal(as_table(from_arrays, ours.classes), expected)
    assert [p.name for p in from_paths] == [str(path) for path in paths]
    assert [p.name for p in from_arrays] == [f"image {number}" for number in range(7)]
    np.testing.assert_allclose(expected.sum(1), 1, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_folding_changes_nothing(name: str, recognizer: Make, pixels: NDArray[np.uint8]) -> None:
    ours = recognizer(name)
    views = np.stack([pictures.apply(p, ours.preprocessing.view) for p in pixels])
    with torch.no_grad():
        logits = ours.model(ours.preprocessing.tensor(views))
    plain = torch.softmax(logits / 0.7, 1).numpy()
    np.testing.assert_allclose(ours.probabilities(views), plain, rtol=1e-3, atol=1e-5)


def test_order_whatever_the_batch(recognizer: Make, pixels: NDArray[np.uint8]) -> None:
    ours = recognizer("lenet5")
    many = [pixels[number % 7] for number in range(40)]
    whole = as_table(ours(many, batch_size=40), ours.classes)
    for size in (1, 3, 7):
        some = ours(many, batch_size=size)
        assert [p.name for p in some] == [f"image {number}" for number in range(40)]
        np.testing.assert_allclose(as_table(some, ours.classes), whole, atol=1e-5)


def test_labels_come_best_first(recognizer: Make, pixels: NDArray[np.uint8]) -> None:
    for prediction in recognizer("lenet5")(list(pixels)):
        shares = [label.probability for label in prediction.labels]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(1, abs=1e-5)


def test_broken_files_stay_in_their_place(
    recognizer: Make, pixels: NDArray[np.uint8], paths: list[Path], tmp_path: Path
) -> None:
    ours = recognizer("lenet5")
    text = tmp_path / "text.jpg"
    text.write_text("no picture at all")
    cut = tmp_path / "cut.png"
    cut.write_bytes(paths[0].read_bytes()[:100])
    absent = tmp_path / "absent.png"
    answers = ours(
        [text, paths[0], cut, np.zeros((2, 2, 7), np.uint8), paths[1], absent, str(tmp_path)]
    )
    assert [a.error is None for a in answers] == [False, True, False, False, True, False, False]
    assert [a.name for a in answers[:2]] == [str(text), str(paths[0])]
    assert answers[0].error == "not an image (a text file?)"
    assert answers[0].labels == ()
    assert not answers[0].known
    alone = ours([paths[0], paths[1]])
    np.testing.assert_allclose(
        as_table([answers[1], answers[4]], ours.classes), as_table(alone, ours.classes), atol=1e-6
    )
    assert [a.error is None for a in ours([text, cut, absent])] == [False] * 3


def test_nothing_in_nothing_out(recognizer: Make) -> None:
    ours = recognizer("lenet5")
    assert ours([]) == []
    assert ours.probabilities(np.zeros((0, 32, 32, 3), np.uint8)).shape == (0, 3)
    with pytest.raises(ModelError, match="no pictures"):
        ours.features([])


def test_one_path_is_no_list(recognizer: Make) -> None:
    with pytest.raises(TypeError, match=r"give a list of pictures, not one path: \['cat.jpg'\]"):
        recognizer("lenet5")("cat.jpg")


def test_any_number_of_pictures_is_asked_for_bit_by_bit(
    recognizer: Make, pixels: NDArray[np.uint8]
) -> None:
    taken = 0

    def endless() -> Iterator[NDArray[np.uint8]]:
        nonlocal taken
        while True:
            taken += 1
            yield pixels[taken % 7]

    answers = recognizer("lenet5").predict(endless(), batch_size=5)
    assert taken == 0
    for number in range(60):
        next(answers)
        assert taken <= (number // 5 + AHEAD) * 5
    answers.close()


def test_who_stops_early_leaves_no_work_behind(recognizer: Make, tmp_path: Path) -> None:
    ours = recognizer("lenet5")
    threads = threading.active_count()
    answers = ours.predict([np.zeros((3000, 3000, 3), np.uint8)] * 64, batch_size=8)
    next(answers)
    start = time.perf_counter()
    answers.close()
    assert threading.active_count() == threads
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize(
    ("name", "layer", "width"),
    [
        ("lenet5", None, 84), ("lenet5", "c1", 6 * 28 * 28), ("lenet5", "c5", 120),
        ("lenet5", "output", 3), ("efficientnet_lite0", None, 1280), (BAG, None, 5 * 16),
        (BAG, "head", 3),
    ],
)  # fmt: skip
def test_features(
    name: str, layer: str | None, width: int, recognizer: Make, pixels: NDArray[np.uint8]
) -> None:
    ours = recognizer(name)
    features = ours.features(list(pixels), layer=layer, batch_size=3)
    assert features.shape == (7, width)
    assert features.dtype == np.float32
    assert len(np.unique(features, axis=0)) == 7


def test_default_features_are_what_the_classifier_reads(
    recognizer: Make, paths: list[Path], pixels: NDArray[np.uint8]
) -> None:
    ours = recognizer("lenet5")
    features = torch.from_numpy(ours.features(paths))
    logits = ours.model.output(features)
    expected = ours.probabilities(pixels)
    np.testing.assert_allclose(torch.softmax(logits / 0.7, 1).detach(), expected, atol=1e-5)
    assert all(not module._forward_pre_hooks for module in ours.model.modules())


def test_features_of_what_cannot_be_read(recognizer: Make, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"absent.png: cannot be read"):
        recognizer("lenet5").features([tmp_path / "absent.png"])
    with pytest.raises(UnknownName, match="layer of lenet5 is called 'fc7'"):
        recognizer("lenet5").features([np.zeros((9, 9, 3), np.uint8)], layer="fc7")


def test_none_of_these(recognizer: Make, pixels: NDArray[np.uint8]) -> None:
    ours = recognizer("lenet5")
    best = sorted(p.labels[0].probability for p in ours(list(pixels)))
    for threshold, known in ((0.0, 7), (best[3], 4), (1.0, 0)):
        one = Recognizer(
            ours.model, ours.architecture, ours.preprocessing, ours.classes,
            Calibration(0.7, threshold),
        )  # fmt: skip
        assert sum(p.known for p in one(list(pixels))) == known


def test_as_json() -> None:
    labels = (Label("ant", 0.75), Label("bee", 0.25))
    assert Prediction("a.jpg", labels, known=True).to_json(top=1) == {
        "path": "a.jpg",
        "labels": [{"name": "ant", "probability": 0.75}],
        "known": True,
    }
    assert Prediction("a.jpg", error="empty file").to_json() == {
        "path": "a.jpg",
        "error": "empty file",
    }


def test_mode_and_weights_are_left_alone(recognizer: Make, pixels: NDArray[np.uint8]) -> None:
    ours = recognizer("efficientnet_lite0")
    before = {name: tensor.clone() for name, tensor in ours.model.state_dict().items()}
    ours.model.train()
    one = ours(list(pixels))
    ours.features(list(pixels[:2]))
    assert ours.model.training
    assert all(torch.equal(before[n], t) for n, t in ours.model.state_dict().items())
    assert ours(list(pixels)) == one


def test_foreign_network(foreign: Recognizer, pixels: NDArray[np.uint8]) -> None:
    answers = foreign(list(pixels))
    assert {label.name for label in answers[0].labels} == {"no", "yes"}
    assert foreign.features(list(pixels)).shape == (7, 400)
    assert foreign.features(list(pixels), layer="0").shape == (7, 400)
