"""The exported graph answers as the recognizer does, alone and with its list of words."""

from pathlib import Path

import numpy as np
import pytest
import torch

import striate
from striate.models.kim import Kim, Variant
from striate.recognizer import Recognizer
from striate.tasks.labels.calibration import Calibration
from striate.tasks.table import TASKS
from striate.tasks.text.network import Network
from striate.texts import Tokenizer

WORDS = ("a", "bad", "film", "good", "n't", "so")
TEXTS = ["a good film", "so bad", "isn't", "unheard of words", "-", "a " * 40 + "good"]


@pytest.mark.parametrize(("to", "variant"), [("onnx", "static"), ("openvino", "multichannel")])
def test_the_same_answers(tmp_path: Path, variant: Variant, to: str) -> None:
    vectors = torch.randn(len(WORDS) + 1, 5)
    vectors[0] = 0
    model = Kim(vectors, variant, classes=2)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    if variant == "multichannel":
        with torch.no_grad():
            model.vectors[0] = 0
    network = Network(
        tokenizer=Tokenizer(), words=WORDS, model=model.eval(), calibration=Calibration(3.0, 0.6)
    )
    recognizer = Recognizer(TASKS["text"], network, ("no", "yes"))
    path = tmp_path / ("kim.onnx" if to == "onnx" else "kim.xml")
    striate.exporting.export(recognizer, path, to=to)
    exported = striate.load(path)
    for one, two in zip(exported(TEXTS), recognizer(TEXTS), strict=True):
        assert one.known == two.known
        assert [k.name for k in one.labels] == [k.name for k in two.labels]
        np.testing.assert_allclose(
            [k.probability for k in one.labels], [k.probability for k in two.labels], atol=1e-5
        )
    assert (tmp_path / "kim.words.txt").read_text().split() == list(WORDS)
