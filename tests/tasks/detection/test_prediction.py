"""Answers in words: JSON, lines, pictures that could not be read."""

import json

import torch

from striate.models.matching import Detections
from striate.tasks.detection.prediction import Answer, Findings, Found, found

ANSWER = Answer(
    Detections(
        torch.tensor([[1.0, 2.4, 30.0, 40.6], [0.0, 0.0, 5.0, 5.0]]),
        torch.tensor([1, 0]),
        torch.tensor([0.75, 0.5]),
    ),
    90,
    120,
)


def test_an_answer_in_words() -> None:
    objects = found(ANSWER, ("ant", "bee"))
    assert [one.label for one in objects] == ["bee", "ant"]
    one = Findings("a.jpg", objects)
    assert one.line(None) == "bee 75.0 % at 1 2 30 41, ant 50.0 % at 0 0 5 5"
    assert one.line(1) == "bee 75.0 % at 1 2 30 41"
    values = json.loads(json.dumps(one.to_json(top=1)))
    (first,) = values.pop("objects")
    assert values == {"path": "a.jpg"}
    assert first == {"box": list(objects[0].box), "label": "bee", "score": 0.75}
    assert len(one.to_json()["objects"]) == 2


def test_nothing_and_unreadable() -> None:
    assert Findings("a.jpg").line(None) == "nothing"
    assert Findings("a.jpg").to_json() == {"path": "a.jpg", "objects": []}
    broken = Findings("a.jpg", error="cannot be read")
    assert broken.to_json() == {"path": "a.jpg", "error": "cannot be read"}
    assert Found((0, 0, 1, 1), "ant", 1.0).label == "ant"
