"""The task from pictures and sentences to a file, an answer, a map and a graph."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

import striate
from striate.cli import run
from striate.data import Dataset
from striate.data.captions import Captions as Sentences
from striate.data.dataset import Files
from striate.errors import ModelError, UserError
from striate.exporting import export
from striate.images import View
from striate.inference import Preprocessing
from striate.models import entry
from striate.models.word_decoder import WordDecoder
from striate.recognizer import Recognizer
from striate.tasks.captions.describer import Describer, Search, Teller
from striate.tasks.captions.encoders import last_maps, parts, stages_of
from striate.tasks.captions.neighbors import consensus, grams_of
from striate.tasks.captions.problem import Mapped, NextWord
from striate.tasks.captions.task import Captions
from striate.tasks.contract import Wanted
from striate.texts.vocabulary import Vocabulary

TASK = Captions()


def of(comparisons, method):
    return next(row for one in comparisons for row in one.rows if row.name == method)


def test_a_sentence_for_all_is_right_a_third_of_the_time(kept):
    scores = of([kept], "constant").chosen.scores
    assert len(set(scores.given)) == 1
    assert scores.metrics["bleu1"] == pytest.approx((2 + 1 / 3) / 3, abs=0.2)
    assert scores.metrics["people_bleu1"] == pytest.approx(0.5, abs=0.3)


def test_words_are_learned(compared):
    row = of(compared, "attend")
    truth = [one.split()[-1] for one in
             (some[1] for some in row.chosen.data.dataset.test.targets.sentences)]  # fmt: skip
    said = [" ".join(words) for words in row.chosen.scores.given]
    right = sum(color in one for color, one in zip(truth, said, strict=True))
    assert right >= 4, said  # by chance 2
    assert row.score == row.chosen.scores.metrics["bleu4"]


def test_the_report_has_pictures_and_maps(compared, tmp_path):
    compared[0].report(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert "BLEU-1" in text
    assert "bright is where a word was given from" in text


@pytest.mark.parametrize("method", ["deep_neighbors", "attend", "show_and_tell", "tuned"])
def test_a_file_answers_as_before(compared, colored, tmp_path, method):
    recognizer = of(compared, method).recognizer
    recognizer.save(tmp_path / "one.safetensors")
    again = striate.load(tmp_path / "one.safetensors")
    paths = [colored / f"{n}.png" for n in (24, 25, 26)]
    for first, second in zip(recognizer(paths), again(paths), strict=True):
        assert first.text == second.text
        assert first.to_json(top=3) == second.to_json(top=3)
    assert again.predictor.parameters == recognizer.predictor.parameters


def test_files_without_a_network_answer_as_before(kept, colored, tmp_path):
    for row in kept.rows:
        row.recognizer.save(tmp_path / "one.safetensors")
        again = striate.load(tmp_path / "one.safetensors")
        path = [colored / "27.png"]
        assert row.recognizer(path)[0].text == again(path)[0].text != ""


def test_a_damaged_file_is_refused(compared, tmp_path):
    predictor = of(compared, "attend").recognizer.predictor
    tensors, header = predictor.tensors(), predictor.header()
    for wrong in ({"image": "none"}, {"hidden": 7}, {"search": {**header["search"], "width": 0}}):
        with pytest.raises((ValueError, TypeError, LookupError)):
            Describer.restored(tensors, {**header, **wrong}, ())


def test_ways_to_search(compared, colored):
    predictor = of(compared, "show_and_tell").recognizer.predictor
    pixels = [predictor.prepare(colored / f"{n}.png") for n in (24, 25)]
    beam = TASK.answering(predictor, {"width": 4})
    assert beam.search == Search("beam", 4, predictor.search.power, predictor.search.longest)
    answers = beam.predict(pixels)
    assert all(len(one.others) == 3 for one in answers)
    assert all(one.others[0][1] <= one.score for one in answers) or beam.search.power
    drawn = TASK.answering(predictor, {"temperature": 3.0})
    assert drawn.search.how == "sample"
    assert drawn.predict(pixels)[0].words == drawn.predict(pixels)[0].words  # by its seed
    with pytest.raises(ModelError, match="by chance"):
        drawn.graph()


def test_a_search_is_for_what_finds_words(kept):
    predictor = of([kept], "constant").recognizer.predictor
    with pytest.raises(UserError, match="--width: constant_caption finds no words"):
        TASK.answering(predictor, {"width": 4})


def test_a_map_for_each_word(compared, colored):
    recognizer = of(compared, "attend").recognizer
    prediction = recognizer([colored / "25.png"])[0]
    maps = prediction.answer.maps
    assert len(maps) == len(prediction.answer.words)
    assert maps.sum((1, 2)) == pytest.approx(np.ones(len(maps)), abs=1e-5)
    pixels = np.asarray(Image.open(colored / "25.png"))
    picture = TASK.draw(pixels, prediction, ())
    assert picture.height > pixels.shape[0] + 100
    found = TASK.explanation(recognizer.predictor, (), str(colored / "25.png"), None, "occlusion")
    assert found.facts["caption"] == prediction.text
    assert len(found.facts["where"]) == len(maps)
    one = TASK.explanation(
        recognizer.predictor, (), str(colored / "25.png"), prediction.answer.words[0], "attention"
    )
    assert one.facts["words"] == list(prediction.answer.words[:1])


def test_explain_takes_the_methods_of_captions(compared, colored, tmp_path, capsys):
    place = tmp_path / "attend.safetensors"
    of(compared, "attend").recognizer.save(place)
    asked = ["explain", str(place), str(colored / "25.png"), "--out", str(tmp_path / "why.png")]
    assert run([*asked, "--method", "attention", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["method"] == "attention"
    assert (tmp_path / "why.png").exists()
    assert run([*asked, "--method", "gradcam"]) == 2
    assert "known: attention, occlusion" in capsys.readouterr().err
    assert run([*asked, "--method", "attention", "--approximate"]) == 2
    assert "--approximate: captions has no such option" in capsys.readouterr().err


def test_what_was_seen_once_has_no_attention(compared, colored):
    predictor = of(compared, "show_and_tell").recognizer.predictor
    with pytest.raises(ModelError, match="take --method occlusion"):
        TASK.explanation(predictor, (), str(colored / "25.png"), None, "attention")


def tiny():
    """A describer whose graph is small: LeNet's two layers of maps, three words and two steps."""
    torch.manual_seed(0)
    lower, upper = parts(stages_of("lenet5"), last_maps("lenet5")[0])
    vocabulary = Vocabulary.of([["a", "red", "wall"]])
    width = upper(lower(torch.zeros(1, 1, 28, 28))).shape[1]
    view = View(28, channels=1, fit="squash")
    decoder = WordDecoder(4, width, image="attended", size=8, hidden=8, tied=True)
    torch.nn.init.normal_(decoder.vectors.weight, std=3)
    return Describer(
        lower=lower.eval(),
        teller=Teller(upper, decoder).eval(),
        vocabulary=vocabulary,
        preprocessing=Preprocessing(view, entry("lenet5").normalization),
        architecture={"name": "lenet5", "frozen": last_maps("lenet5")[0]},
        search=Search("beam", 2, 0.7, 2),
    )  # fmt: skip


def test_an_option_of_another_search_is_refused():
    assert TASK.answering(tiny(), {"width": 4}).search.how == "beam"
    for asked in ({"search": "greedy", "width": 4}, {"search": "beam", "temperature": 2.0}):
        with pytest.raises(UserError, match="only with --search"):
            TASK.answering(tiny(), asked)


def test_where_bleu_4_is_nothing_an_epoch_is_judged_by_bleu_1():
    describer = tiny()
    sentences = (("a red wall",),) * 3
    dataset = Dataset("walls", Files(["a", "b", "c"], "."), Sentences(sentences),
                      np.array([0, 1, 1], np.int8))  # fmt: skip
    maps = describer.maps(np.zeros((2, 28, 28, 1), np.uint8))
    problem = NextWord(Search("greedy", longest=2))
    found = problem.evaluate(describer.teller, Mapped(dataset, describer.vocabulary, (), maps, ()))
    assert found["bleu4"] == 0 < found["bleu1"]
    assert found[problem.score] == pytest.approx(1e-6 * found["bleu1"])


def test_an_export_gives_the_same_words(colored, tmp_path):
    pytest.importorskip("onnxscript")
    recognizer = Recognizer(TASK, tiny())
    export(recognizer, tmp_path / "one.onnx", to="onnx")
    other = striate.load(tmp_path / "one.onnx")
    paths = [colored / f"{n}.png" for n in range(6)]
    for first, second in zip(recognizer(paths), other(paths), strict=True):
        assert first.answer.words == second.answer.words
        assert first.answer.score == pytest.approx(second.answer.score, abs=1e-4)
    assert (tmp_path / "one.words.txt").read_text() == "a\nred\nwall\n"


def test_the_service_says_it_as_text(compared, colored):
    prediction = of(compared, "show_and_tell").recognizer([colored / "24.png"])[0]
    assert TASK.response(prediction.answer, (), Wanted(most=1)) == {
        "text": {"raw": prediction.text}, "others": [],
    }  # fmt: skip


def test_the_sentence_that_others_are_most_like():
    """Two of three share words: one of them is told."""
    sentences = (("a", "dog"), ("x", "y", "z"), ("a", "dog", "runs"))
    assert consensus(grams_of(sentences)).tolist() == [0, 2, 1]
