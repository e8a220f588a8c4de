"""The parts of a model card that are of labels."""

from collections.abc import Callable
from dataclasses import replace

from striate.recognizer import Recognizer
from striate.tasks.classification.card import sections
from striate.tasks.classification.predictor import Classifier


def test_how_far_to_trust_it(recognizer: Callable[[str], Recognizer]) -> None:
    ours = recognizer("lenet5")
    known = ours.with_provenance(test={"metrics": {"calibration_error": 0.0314}})
    found = sections(known)
    text = "\n".join(found["Confidence"])
    assert "temperature: 0.7000" in text
    assert "test images: 0.031" in text
    assert "the largest probability is below 0.3600" in text
    assert "mean [120.0, 120.0, 120.0]" in "\n".join(found["Preprocessing"]).replace("\\", "")
    assert "32 x 32 pixels, RGB" in found["Preprocessing"][0]
    assert "none of these" in found["What it does not know"][0]


def test_what_is_not_recorded_is_named(recognizer: Callable[[str], Recognizer]) -> None:
    ours = recognizer("lenet5")
    for test in (None, 3, {}, {"metrics": None}, {"metrics": {"calibration_error": "x"}}):
        found = sections(ours.with_provenance(test=test))
        assert "test images: not recorded" in found["Confidence"][1]


def test_the_angle_to_the_classes(recognizer: Callable[[str], Recognizer]) -> None:
    import torch

    from striate.tasks.classification.familiarity import Familiarity

    ours = recognizer("lenet5")
    assert isinstance(ours.predictor, Classifier)
    knowing = replace(ours.predictor, familiarity=Familiarity(torch.eye(3, 84), 0.11))
    found = sections(replace(ours, predictor=knowing))
    assert "mean direction is below 0.1100" in found["Confidence"][2]
