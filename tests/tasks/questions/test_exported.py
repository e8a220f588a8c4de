"""The exported graph answers as the recognizer does, whatever the length of the question."""

import numpy as np
import pytest
import torch
from torch import nn

import striate
from striate.handcrafted.bag_of_words import ngrams
from striate.inference.reading import Named
from striate.tasks.contract import Ask
from striate.tasks.questions import exported, several
from striate.tasks.questions.exported import NOTHING, Counting, through
from striate.tasks.questions.methods import METHODS
from striate.tasks.table import TASKS

TASK = TASKS["questions"]
QUESTIONS = (
    "what is the colour of the wall ?",
    "what is on the left side 3 ?",
    "why ?",
    "is the zebra on the left side of the zebra on the wall ?",
)


@pytest.fixture(scope="session")
def learned_blind(data):
    return METHODS["blind"].learn(data, Ask(epochs=2))


@pytest.fixture(scope="session")
def learned_counts(data):
    return METHODS["bow"].learn(data, Ask())


@pytest.mark.parametrize(
    ("name", "to"),
    [
        ("learned", "onnx"),
        ("learned_blind", "openvino"),
        ("learned_counts", "onnx"),
        ("learned_words", "onnx"),
    ],
)
def test_the_same_answers(name, to, data, request, tmp_path, monkeypatch):
    for module in (exported, several):  # each word is written out in a graph
        monkeypatch.setattr(module, "LONGEST", 2)
    predictor = request.getfixturevalue(name).predictor
    recognizer = striate.Recognizer(TASK, predictor)
    path = tmp_path / ("asked.onnx" if to == "onnx" else "asked.xml")
    striate.exporting.export(recognizer, path, to=to)
    found = striate.load(path)
    places = [data.dataset.inputs[row][0] for row in (0, 3)]
    items = [Named("", (place, question)) for place in places for question in QUESTIONS]
    for one, two in zip(recognizer(items), found(items), strict=True):
        assert two.answer.question == one.answer.question
        assert two.answer.unknown == one.answer.unknown
        assert two.answer.looked == one.answer.looked
        there, here = (dict(answer.said) for answer in (one.answer, two.answer))
        for text in there.keys() & here.keys():  # of equal ones either may be among the best
            assert here[text] == pytest.approx(there[text], abs=1e-5)
        assert here[two.answer.text] == pytest.approx(there[one.answer.text], abs=1e-5)
    beside = "terms" if name == "learned_counts" else "words"
    assert "zebra" not in (tmp_path / f"asked.{beside}.txt").read_text()


def test_what_is_seen_stands_beside_the_words(data, learned_bag):
    bag, head = learned_bag.predictor, Counting(learned_bag.predictor)
    asked = [bag.prepare((data.dataset.inputs[row][0], q)) for row in (0, 3) for q in QUESTIONS]
    for one in asked:
        known = [bag.bag.index[t] for t in ngrams(one.words, bag.bag.longest) if t in bag.bag.index]
        (found,) = head(torch.tensor([[*known, NOTHING]]), bag.eye([one]))
        torch.testing.assert_close(found, bag.probabilities(bag.logits([one])))


def test_the_card_tells_what_it_knows(learned, learned_bag, learned_words):
    texts = [
        striate.exporting.card(striate.Recognizer(TASK, one.predictor), "one.onnx")
        for one in (learned, learned_bag, learned_words)
    ]
    assert all("## Words" in text and "## Preprocessing" in text for text in texts)
    assert ["chooses among" in text for text in texts] == [True, True, False]


def test_states_behind_the_end_are_those_of_a_cell():
    torch.manual_seed(0)
    cell = nn.LSTMCell(3, 4)
    read, lengths = torch.randn(5, 6, 3), torch.tensor([6, 1, 3, 2, 6])
    hidden, memory = (each.detach() for each in through(cell, "", read, lengths))
    for row, length in enumerate(lengths.tolist()):
        state = None
        for place in range(length):
            state = cell(read[row, place], state)
        np.testing.assert_allclose(hidden[row], state[0].detach(), atol=1e-6)
        np.testing.assert_allclose(memory[row], state[1].detach(), atol=1e-6)
