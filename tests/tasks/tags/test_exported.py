"""An exported network gives the answers of what it was made of."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import striate
from striate.data import Dataset
from striate.errors import ModelError
from striate.exporting import export
from striate.recognizer import Recognizer

pytest.importorskip("onnxruntime")


def test_onnx_gives_equal_answers(
    recognizer: Callable[[str], Recognizer], dataset: Dataset[Any], tmp_path: Path
) -> None:
    one = recognizer("network")
    export(one, tmp_path / "tags.onnx", to="onnx")
    again = striate.load(tmp_path / "tags.onnx")
    pictures = [dataset.inputs[row] for row in range(6)]
    for before, after in zip(one.predict(pictures), again.predict(pictures), strict=True):
        ours, theirs = (
            {tag.name: tag.probability for tag in some.tags} for some in (before, after)
        )
        for name, probability in ours.items():
            assert theirs[name] == pytest.approx(probability, abs=1e-4)
        assert {tag.name for tag in before.there} == {tag.name for tag in after.there}


def test_visual_words_say_why_they_cannot_be(recognizer: Callable[[str], Recognizer]) -> None:
    with pytest.raises(ModelError, match="visual words by search"):
        recognizer("visual_words").predictor.graph()


def test_strips_of_a_network_are_kept_in_its_file(tmp_path: Path) -> None:
    """The mean of the last map and the maxima of three strips; without weights that are learned."""
    import torch

    from striate.images import View
    from striate.inference import Preprocessing
    from striate.models import Normalization, create
    from striate.models.regional import regional
    from striate.tasks.tags.calibration import TagCalibration
    from striate.tasks.tags.predictor import TagNetwork
    from striate.tasks.tags.task import TagsTask

    network = create("resnet20", classes=2).eval()
    model = regional(network, 3, classes=2).eval()
    images = torch.randn(1, 3, 32, 32)
    maps = network.features(images)["stage3"]
    parts = [
        maps.mean((2, 3)),
        *(maps[:, :, a:b].amax((2, 3)) for a, b in ((0, 3), (2, 6), (5, 8))),
    ]
    expected = model.classifier(torch.cat(parts, 1))
    torch.testing.assert_close(model(images), expected)
    view = View(32, fit="squash")
    predictor = TagNetwork(
        model=model,
        architecture={"name": "resnet20", "options": {}, "strips": 3},
        preprocessing=Preprocessing(view, Normalization((0.0,) * 3, (1.0,) * 3)),
        classes=2,
        calibration=TagCalibration.plain(2),
    )
    Recognizer(TagsTask(), predictor, ("a", "b")).save(tmp_path / "x.safetensors")
    again = striate.load(tmp_path / "x.safetensors")
    pixels = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)
    np.testing.assert_array_equal(predictor.answers(pixels)[0], again.predictor.answers(pixels)[0])
