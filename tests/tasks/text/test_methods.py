"""Every method learns, is kept in a file, and answers the same from everywhere."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import striate
from striate import cli
from striate.errors import WeightsError
from striate.tasks.contract import Ask
from striate.tasks.table import TASKS
from striate.tasks.text.kim import started
from striate.texts import WordVectors

CNN = ("cnn-static", "cnn-rand", "cnn-non-static", "cnn-multichannel")


def run(capsys: pytest.CaptureFixture[str], *words: object) -> list[dict]:
    code = cli.run([str(word) for word in words])
    printed = capsys.readouterr()
    assert code == 0, printed.err
    return [json.loads(line) for line in printed.out.splitlines()]


@pytest.mark.parametrize("method", ["bow", *CNN])
def test_learned_kept_and_answering(
    method: str, opinions: Callable[..., Path], vectors: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    data, out = opinions(100), tmp_path / "run"
    more = ["--weights", vectors] if TASKS["text"].method(method).networks else []
    more += ["--epochs", 60] if method in CNN else []
    (found,) = run(capsys, "train", data, "--method", method, *more, "--out", out, "--json")
    assert found["task"] == "text"
    if method != "cnn-rand":  # whose vectors know nothing of words it has not seen
        assert found["score"] >= 0.9
    loaded = striate.load(out / "recognizer.safetensors")
    texts = ["the film is superb", "a dull story", "unheard"]
    answers = loaded(texts)
    (tmp_path / "more").mkdir()
    for number, text in enumerate(texts):
        (tmp_path / "more" / f"{number}.txt").write_text(text)
    rows = run(capsys, "predict", out / "recognizer.safetensors", tmp_path / "more", "--json")
    for row, answer in zip(rows, answers, strict=True):
        assert row["labels"] == answer.fields(None)["labels"]
    again = tmp_path / "again.safetensors"
    loaded.save(again)
    for name, tensor in striate.load(again).predictor.tensors().items():
        assert torch.equal(tensor, loaded.predictor.tensors()[name])


def test_lines_of_standard_input_and_of_files(
    opinions: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    import io

    run(capsys, "train", opinions(), "--method", "bow", "--out", tmp_path / "run", "--json")
    model = tmp_path / "run" / "recognizer.safetensors"
    data = b"a good film\n\n\xe9t\xe9 bad\r\n\0\0\0\n"

    class Stdin:
        buffer = io.BytesIO(data)

    monkeypatch.setattr("sys.stdin", Stdin())
    rows = run(capsys, "predict", model, "-", "--json")
    assert [row["path"] for row in rows] == ["-:1", "-:3", "-:4"]
    assert [row["labels"][0]["name"] for row in rows[:2]] == ["yes", "no"]
    assert rows[2]["error"] == "binary data, not text"
    file = tmp_path / "lines.txt"
    file.write_bytes(data)
    rows = run(capsys, "predict", model, file, "--lines", "--json")
    assert [row["path"] for row in rows] == [f"{file}:{number}" for number in (1, 3, 4)]
    assert cli.run(["predict", str(model), "-", str(file)]) == 2
    assert "stands alone" in capsys.readouterr().err
    Stdin.buffer = io.BytesIO(b"\n")
    assert cli.run(["predict", str(model), "-"]) == 2
    assert "nothing to read" in capsys.readouterr().err


def test_a_comparison_with_its_report(
    opinions: Callable[..., Path], vectors: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    (found,) = run(
        capsys, "compare", opinions(), "--methods", "bow,cnn-non-static", "--weights", vectors,
        "--seeds", 1, "--out", out, "--json",
    )  # fmt: skip
    assert [row["approach"] for row in found["methods"]] == ["handcrafted", "finetune"]
    page = (out / "report.html").read_text()
    for heading in ("Which words spoke", "What filters fire on", "What words came to mean"):
        assert f"<h2>{heading}</h2>" in page
    assert re.search("<h2>What (a bag of words|CNN-non-static) confuses</h2>", page)
    model = out / "cnn-non-static.safetensors"
    text = tmp_path / "text.txt"
    text.write_text("a great film")
    (told,) = run(capsys, "explain", model, text, "--json")
    assert max(told["words"], key=lambda row: row["loss"])["word"] == "great"
    (told,) = run(capsys, "explain", model, opinions(), "--method", "ngrams", "--json")
    assert len(told["filters"]) == 20
    (told,) = run(capsys, "explain", model, "--method", "neighbors", "--json")
    assert told["neighbors"]
    (checked,) = run(capsys, "check", opinions(), "--report", out / "check.html", "--json")
    assert checked["data"]["texts"] == 60


def test_given_vectors_and_drawn_ones() -> None:
    known = WordVectors(("a", "z"), torch.tensor([[3.0, -3.0], [3.0, -3.0]]).numpy())
    every, vectors = started(["a", "b"], known)
    assert every == ("a", "b", "z")
    size = 0.25 / 3**0.5  # of word2vec's
    torch.testing.assert_close(vectors[1], torch.tensor([size, -size]))
    torch.testing.assert_close(vectors[3], vectors[1])
    assert vectors[0].tolist() == [0, 0]
    assert 0 < float(vectors[2].abs().max()) <= 0.25


def test_vectors_are_looked_for_before_any_work() -> None:
    method = TASKS["text"].method("cnn-static")
    with pytest.raises(WeightsError, match="no such file of word vectors"):
        method.ready("cnn-static", Ask(weights="nowhere.txt"))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda t, h: t.update(words=t["words"][:-2]), "vectors"),
        (lambda t, h: h.update(variant="other"), "variant"),
        (lambda t, h: t["vectors"].fill_(float("nan")), "not finite"),
        (lambda t, h: h.update(tokenizer={}), "tokenizer"),
    ],
)
def test_damaged_parts_are_refused(change, why: str) -> None:
    from striate.models.kim import Kim
    from striate.tasks.text.network import Network
    from striate.texts import Tokenizer

    one = Network(
        tokenizer=Tokenizer(), words=("a", "b"), model=Kim(torch.zeros(3, 2), "static", classes=2)
    )
    tensors, header = {name: each.clone() for name, each in one.tensors().items()}, one.header()
    assert Network.restored(dict(tensors), header, ("x", "y")).words == ("a", "b")
    change(tensors, header)
    with pytest.raises(ValueError, match=why):
        Network.restored(tensors, header, ("x", "y"))
