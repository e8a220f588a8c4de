"""One picture, one answer: from a path, from bytes, from an array, alone or with others."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from striate.errors import ImageError, ModelError, UnknownName
from striate.recognizer import Recognizer
from striate.tasks.classification.predictor import Classifier
from striate.tasks.labels.answers import Label, Prediction
from striate.tasks.labels.calibration import Calibration

BAG = "visual words"
ALL = ["lenet5", "efficientnet_lite0", BAG]
Make = Callable[[str], Classifier]


def prepared(predictor: Classifier, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.stack([predictor.prepare(picture) for picture in pixels])


@pytest.mark.parametrize("name", ALL)
def test_paths_bytes_arrays_and_pixels_agree(
    name: str, make: Make, pixels: NDArray[np.uint8], paths: list[Path]
) -> None:
    ours = make(name)
    expected, known = ours.answers(prepared(ours, pixels))
    for items in (paths, list(map(str, paths)), [p.read_bytes() for p in paths], list(pixels)):
        answers = ours.predict([ours.prepare(item) for item in items])
        np.testing.assert_array_equal(np.stack([a.probabilities for a in answers]), expected)
        assert [a.known for a in answers] == known.tolist()
    np.testing.assert_allclose(expected.sum(1), 1, rtol=1e-5)
    assert ours.size == ours.preprocessing.view.size


@pytest.mark.parametrize("name", ALL)
def test_folding_changes_nothing(name: str, make: Make, pixels: NDArray[np.uint8]) -> None:
    ours = make(name)
    views = prepared(ours, pixels)
    with torch.no_grad():
        logits = ours.model(ours.preprocessing.tensor(views))
    plain = torch.softmax(logits / 0.7, 1).numpy()
    np.testing.assert_allclose(ours.answers(views)[0], plain, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(ours.probabilities(logits).numpy(), plain, atol=1e-6)


def test_whatever_the_batch(make: Make, pixels: NDArray[np.uint8]) -> None:
    ours = make("lenet5")
    views = prepared(ours, pixels)
    whole = ours.answers(views)[0]
    for size in (1, 3):
        np.testing.assert_allclose(ours.answers(views, batch_size=size)[0], whole, atol=1e-5)
    assert ours.answers(views[:0])[0].shape == (0, 3)


def test_broken_files_stay_in_their_place(
    recognizer: Callable[[str], Recognizer], paths: list[Path], tmp_path: Path
) -> None:
    ours = recognizer("lenet5")
    text = tmp_path / "text.jpg"
    text.write_text("no picture at all")
    answers = ours([text, paths[0], np.zeros((2, 2, 7), np.uint8), paths[1], tmp_path])
    assert [a.error is None for a in answers] == [False, True, False, True, False]
    assert answers[0].error == "not an image (a text file?)"
    assert (answers[0].labels, answers[0].known) == ((), False)
    alone = ours([paths[0], paths[1]])
    for one, other in zip((answers[1], answers[3]), alone, strict=True):
        assert [k.name for k in one.labels] == [k.name for k in other.labels]
        for mine, theirs in zip(one.labels, other.labels, strict=True):
            assert mine.probability == pytest.approx(theirs.probability, abs=1e-6)


def test_none_of_these(make: Make, pixels: NDArray[np.uint8]) -> None:
    ours = make("lenet5")
    views = prepared(ours, pixels)
    best = np.sort(ours.answers(views)[0].max(1))
    for threshold, known in ((0.0, 7), (float(best[3]), 4), (1.0, 0)):
        one = replace(ours, calibration=Calibration(0.7, threshold))
        assert one.answers(views)[1].sum() == known
        assert one.refuses == (threshold > 0)


@pytest.mark.parametrize(
    ("name", "layer", "width"),
    [
        ("lenet5", None, 84), ("lenet5", "c1", 6 * 28 * 28), ("lenet5", "c5", 120),
        ("lenet5", "output", 3), ("efficientnet_lite0", None, 1280), (BAG, None, 5 * 16),
        (BAG, "head", 3),
    ],
)  # fmt: skip
def test_features(
    name: str, layer: str | None, width: int, make: Make, pixels: NDArray[np.uint8]
) -> None:
    ours = make(name)
    features = ours.features(list(prepared(ours, pixels)), layer=layer)
    assert features.shape == (7, width)
    assert features.dtype == np.float32
    assert len(np.unique(features, axis=0)) == 7


def test_features_are_pooled_over_places(make: Make, pixels: NDArray[np.uint8]) -> None:
    ours = make("lenet5")
    views = list(prepared(ours, pixels))
    maps = ours.features(views, layer="c1").reshape(7, 6, 28, 28)
    np.testing.assert_allclose(
        ours.features(views, layer="c1", pool="avg"), maps.mean((2, 3)), atol=1e-5
    )
    np.testing.assert_array_equal(ours.features(views, layer="c1", pool="max"), maps.max((2, 3)))
    assert ours.features(views, layer="f6", pool="max").shape == (7, 84)
    with pytest.raises(UnknownName, match="layer of lenet5 is called 'fc7'"):
        ours.features(views, layer="fc7")


def test_default_features_are_what_the_classifier_reads(
    make: Make, pixels: NDArray[np.uint8]
) -> None:
    ours = make("lenet5")
    views = prepared(ours, pixels)
    logits = ours.model.output(torch.from_numpy(ours.features(list(views))))
    np.testing.assert_allclose(
        torch.softmax(logits / 0.7, 1).detach(), ours.answers(views)[0], atol=1e-5
    )
    assert all(not module._forward_pre_hooks for module in ours.model.modules())


def test_mode_and_weights_are_left_alone(make: Make, pixels: NDArray[np.uint8]) -> None:
    ours = make("efficientnet_lite0")
    before = {name: tensor.clone() for name, tensor in ours.model.state_dict().items()}
    ours.model.train()
    views = prepared(ours, pixels)
    one = ours.answers(views)[0]
    ours.features(list(views[:2]))
    assert ours.model.training
    assert all(torch.equal(before[n], t) for n, t in ours.model.state_dict().items())
    np.testing.assert_array_equal(ours.answers(views)[0], one)


def test_pictures_that_cannot_be_read(make: Make, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="cannot be read"):
        make("lenet5").prepare(tmp_path / "absent.png")


def test_a_network_of_one_s_own(foreign: Recognizer, pixels: NDArray[np.uint8]) -> None:
    answers = foreign(list(pixels))
    assert {label.name for label in answers[0].labels} == {"no", "yes"}
    assert foreign.features(list(pixels)).shape == (7, 400)
    assert foreign.features(list(pixels), layer="0").shape == (7, 400)


def test_what_answers_is_moved(make: Make, pixels: NDArray[np.uint8]) -> None:
    """The network that computes lies where `to` says, also where it was built before."""
    ours = make("lenet5")
    views = prepared(ours, pixels)
    before = ours.answers(views)[0]
    ours.to("meta")
    assert {p.device.type for p in ours.model.parameters()} == {"meta"}
    assert {p.device.type for p in ours._engines.network.parameters()} == {"meta"}
    with pytest.raises(NotImplementedError, match="meta"):  # it computes there, and has no numbers
        ours.answers(views)
    assert before.shape == (7, 3)
    words = make(BAG)
    words.to("cuda:0")  # computed on the CPU, wherever networks are
    assert words.model.head.weight.device.type == "cpu"


def test_engines(make: Make, pixels: NDArray[np.uint8]) -> None:
    ours = make("lenet5")
    views = prepared(ours, pixels)
    expected = ours.answers(views)[0]
    for engine in ("onnxruntime", "openvino"):
        pytest.importorskip(engine)
        np.testing.assert_allclose(ours.computed_by(engine).answers(views)[0], expected, atol=1e-5)
    with pytest.raises(UnknownName, match="engine is called 'abacus'"):
        ours.computed_by("abacus")
    words = make(BAG)
    assert words.computed_by("auto") is words.computed_by("torch") is words
    with pytest.raises(ModelError, match="computed by torch alone; leave out --engine openvino"):
        words.computed_by("openvino")


def test_a_look_inside(make: Make) -> None:
    ours = make("lenet5")
    assert ours.inside() == (ours.model, ours.preprocessing)
    with pytest.raises(ModelError, match="no network that can be looked into"):
        make(BAG).inside()
    with pytest.raises(ModelError, match="visual words by search, which is not a graph"):
        make(BAG).graph()


def test_as_json_and_as_a_line() -> None:
    labels = (Label("ant", 0.75), Label("bee", 0.25))
    known = Prediction("a.jpg", labels, known=True)
    assert known.to_json(top=1) == {
        "path": "a.jpg",
        "labels": [{"name": "ant", "probability": 0.75}],
        "known": True,
    }
    assert known.line(None) == "ant 75.0 %, bee 25.0 %"
    assert Prediction("a.jpg", labels).line(1) == "none of these (ant 75.0 %)"
    assert Prediction("a.jpg", error="empty file").to_json() == {
        "path": "a.jpg",
        "error": "empty file",
    }


def test_labels_come_most_probable_first() -> None:
    one = Prediction.of("x", ("a", "b", "c"), np.array([0.2, 0.5, 0.3], np.float32), True)
    assert [label.name for label in one.labels] == ["b", "c", "a"]
