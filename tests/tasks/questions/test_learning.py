"""All methods on a small set: what is learned, kept, asked and explained."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

import striate
from striate.comparing import compare
from striate.data.questions import Questions
from striate.errors import ModelError
from striate.inference.reading import Named
from striate.models.word_decoder import Words, loss_of
from striate.tasks.contract import Ask
from striate.tasks.questions.methods import METHODS
from striate.tasks.questions.several import said, told
from striate.tasks.questions.several_teaching import beginner, padded, taught
from striate.tasks.table import TASKS

TASK = TASKS["questions"]
QUESTION = "what is the colour of the wall ?"


@pytest.fixture(scope="module")
def recognizer(kept):
    return striate.load(kept)


def test_the_folder_and_its_table_are_the_same_set(colors):
    folder, table = striate.open(colors), striate.open(colors / "qa.tsv")
    assert folder.thing == "question"
    assert folder.targets.kind == "answers"
    assert folder.fingerprint() == table.fingerprint()
    assert [int((folder.split == part).sum()) for part in range(3)] == [36, 18, 18]
    assert folder.groups is not None
    assert len(set(folder.groups.tolist())) == 36


def test_who_looks_knows_the_color_and_who_does_not_guesses(data, learned):
    rows = [row for row in range(len(data.dataset)) if data.dataset.inputs[row][1] == QUESTION
            and data.dataset.split[row] == 2]  # fmt: skip
    looking = TASK.answered(learned.predictor, data, rows)
    blind = TASK.answered(METHODS["start"].learn(data, Ask()).predictor, data, rows)
    truth = [data.dataset.targets.texts[row] for row in rows]
    assert [answer.text for answer in looking.answers] == truth
    assert len({answer.text for answer in blind.answers}) == 1
    assert all(answer.looked for answer in looking.answers)
    assert not any(answer.looked for answer in blind.answers)


@pytest.mark.parametrize("name", ["prior", "start", "bow", "blind"])
def test_blind_methods_answer_the_same_after_being_kept(name, data, tmp_path):
    found = METHODS[name].learn(data, Ask(epochs=1 if name == "blind" else None))
    path = tmp_path / "kept.safetensors"
    striate.Recognizer(TASK, found.predictor).save(path)
    item = Named("a", (data.dataset.inputs[0][0], "what is on the left side 3 ?"))
    (before,) = striate.Recognizer(TASK, found.predictor)([item])
    (after,) = striate.load(path)([item])
    assert [one.text for one in after.answer.said] == [one.text for one in before.answer.said]
    assert after.answer.said[0].probability == pytest.approx(before.answer.said[0].probability)
    assert not after.answer.looked
    assert 0 <= found.validation["accuracy"] <= 1


def test_answers_are_the_same_after_being_kept_and_by_every_way(data, learned, recognizer):
    test = np.flatnonzero(data.dataset.split == 2).tolist()
    there = TASK.answered(learned.predictor, data, test).answers
    items = [Named(str(row), data.dataset.inputs[row]) for row in test]
    for before, after in zip(there, recognizer(items), strict=True):
        assert after.answer.text == before.text
        assert after.answer.said[0].probability == pytest.approx(
            before.said[0].probability, abs=1e-5
        )


def test_words_and_the_picture_in_one_classifier(data, learned_bag, tmp_path):
    found = learned_bag
    rows = [row for row in range(len(data.dataset)) if data.dataset.inputs[row][1] == QUESTION
            and data.dataset.split[row] == 2]  # fmt: skip
    answers = TASK.answered(found.predictor, data, rows).answers
    assert [one.text for one in answers] == [data.dataset.targets.texts[row] for row in rows]
    striate.Recognizer(TASK, found.predictor).save(tmp_path / "kept.safetensors")
    items = [Named(str(row), data.dataset.inputs[row]) for row in rows]
    for before, after in zip(
        answers, striate.load(tmp_path / "kept.safetensors")(items), strict=True
    ):
        assert after.answer.text == before.text
        assert after.answer.looked


def test_sentences_of_a_beam_become_sets():
    found = [Words((2, 1), math.log(0.4)), Words((), math.log(0.3)), Words((1, 2), math.log(0.2))]
    answers = said(found, ("cup", "pen"))
    assert [one.text for one in answers] == ["cup, pen", ""]
    assert answers[0].probability == pytest.approx(0.6)


def test_what_answers_word_by_word_is_kept(data, learned_words, tmp_path):
    found = learned_words
    striate.Recognizer(TASK, found.predictor).save(tmp_path / "kept.safetensors")
    rows = np.flatnonzero(data.dataset.split == 2).tolist()[:4]
    answers = TASK.answered(found.predictor, data, rows).answers
    items = [Named(str(row), data.dataset.inputs[row]) for row in rows]
    for before, after in zip(
        answers, striate.load(tmp_path / "kept.safetensors")(items), strict=True
    ):
        assert after.answer.text == before.text
        assert after.answer.said[0].probability == pytest.approx(
            before.said[0].probability, abs=1e-5
        )
        assert sum(one.probability for one in after.answer.said) <= 1 + 1e-6


def test_answers_of_one_and_two_words_to_long_questions_are_learned_by_heart():
    """What is asked stands at the beginning, ten words before the answer."""
    words, mark = 20, 21
    questions = [np.array([kind, *range(4, 14)]) for kind in (1, 2, 3)]
    answers = [np.array(some) for some in ([18], [19], [20, 18])]
    torch.manual_seed(0)
    decoder, random = beginner(words + 1, 3), np.random.default_rng(0)
    optimizer = torch.optim.AdamW(decoder.parameters(), lr=0.01)
    for _ in range(80):
        pairs = [taught(*pair, mark, random) for pair in zip(questions, answers, strict=True)]
        read, given = (padded([pair[side] for pair in pairs]) for side in range(2))
        optimizer.zero_grad()
        loss_of(decoder(torch.zeros(3, 3), read), given).backward()
        optimizer.step()
    found = told(decoder, torch.zeros(3, 3), questions)
    assert [some[0].numbers for some in found] == [tuple(some) for some in answers]


@pytest.mark.parametrize("name", ["learned", "learned_bag"])
def test_a_map_shows_where_the_answer_comes_from(name, data, request):
    learned = request.getfixturevalue(name)
    file, _ = data.dataset.inputs[0]
    asking = learned.predictor.about(QUESTION)
    found = TASK.explained(asking, (), file.read_bytes(), None)
    assert found.map.shape[0] == found.map.shape[1]
    assert found.name in ("red", "green", "blue")
    (said,) = asking.predict([asking.prepare(file.read_bytes())])
    assert found.probability == pytest.approx(said.said[0].probability, abs=1e-5)
    again = TASK.explained(asking, (), file.read_bytes(), "lamp")
    assert again.name == "lamp"
    with pytest.raises(ModelError, match="no question"):
        TASK.explained(learned.predictor, (), file.read_bytes(), None)


def test_unknown_words_are_named_and_empty_questions_refused(data, recognizer):
    file, _ = data.dataset.inputs[0]
    asked = ["is the zebra on the left ?", "", "why " * 10_000, "何ですか"]
    found = recognizer([Named("a", (file, question)) for question in asked])
    assert found[0].answer.unknown == ("zebra",)
    assert found[1].error == "the question is empty"
    assert found[2].error == "the question has 10,000 words, and at most 100 are read"
    assert found[3].answer.unknown == ("何ですか",)


@pytest.mark.parametrize("method", ["start", "bow", "blind"])
def test_a_question_in_a_script_that_is_not_read_stops_nobody(data, method):
    inputs = data.dataset.inputs
    asked = ["何" if row % 9 == 0 else question for row, question in enumerate(inputs.asked)]
    dataset = replace(data.dataset, inputs=Questions(inputs.paths, asked, inputs.root))
    found = METHODS[method].learn(replace(data, dataset=dataset), Ask(epochs=1))
    rows = [row for row in range(len(dataset)) if dataset.split[row] == 2]
    assert "何" in {asked[row] for row in rows}
    assert len(TASK.answered(found.predictor, replace(data, dataset=dataset), rows).answers) > 4


def test_a_comparison_says_whether_the_picture_helps(colors, weights, tmp_path):
    result = compare(
        striate.open(colors), methods=["start", "blind", "neurons"], seeds=1,
        network="resnet20", weights=weights, settings=["epochs=3"],
    )  # fmt: skip
    page = result.report(tmp_path / "report.html").read_text()
    assert "Does the picture help?" in page
    assert "LSTM, language only (blind)" in page
    assert "data:image/" in page
