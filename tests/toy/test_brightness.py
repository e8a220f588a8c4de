"""A task of one's own goes through everything that striate does; nothing in src/ knows of it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

import striate
from striate import cli
from striate.comparing import learn
from striate.comparing.evaluating import evaluate
from striate.recognizer import Recognizer
from striate.serving import Settings, create_app
from striate.tasks import opening

HERE = Path(__file__).parent
PROGRAM = """
import sys, time

sys.path.insert(0, sys.argv[1])
from brightness import Brightness, learning
from striate import cli
from striate.tasks.table import TASKS

TASKS["brightness"] = Brightness()
batches = learning.Bright.batches


def slowly(*given, **more):  # so that there is a middle to be killed in
    for batch in batches(*given, **more):
        time.sleep(0.02)
        yield batch


learning.Bright.batches = slowly
sys.exit(cli.run(sys.argv[2:]))
"""

Run = Callable[..., Any]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run("check", folder)` runs that command in an empty folder, which must succeed; with --json
    its result is read."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def command(*words: object) -> Any:
        code = cli.run([str(word) for word in words])
        printed = capsys.readouterr()
        assert code == 0, printed.err
        if "--json" not in words:
            return printed.out
        rows = [json.loads(line) for line in printed.out.splitlines()]
        return rows[0] if len(rows) == 1 else rows

    return command


@pytest.fixture
def trained(run: Run, pictures: Callable[..., Path]) -> Path:
    """A recognizer of the network that learns by steps."""
    return Path(run("train", pictures(), "--epochs", 30, "--json")["recognizer"])


def test_compare(run: Run, pictures: Callable[..., Path]) -> None:
    folder = pictures()
    (folder / "3.png").write_text("no picture")
    found = run("compare", folder, "--json")
    assert (found["task"], found["score"]) == ("brightness", "share")
    assert [row["method"] for row in found["methods"]] == ["line", "tiny"]
    assert found["best"] == "line"
    assert "points of guesses within 0.05" in found["advice"]
    assert [one["name"] for one in found["data"]["left_out"]] == ["3.png"]
    page = Path(found["report"]).read_text()
    assert "<h2>What a straight line guesses</h2>" in page
    for row in found["methods"]:
        recognizer = striate.load(row["recognizer"])
        assert recognizer.task.name == "brightness"
        assert recognizer.provenance["test"]["value"] == row["score"]
    assert "line" in run("compare", folder, "--methods", "list")


def test_compare_in_python(pictures: Callable[..., Path], tmp_path: Path) -> None:
    data = striate.open(pictures())
    assert data.targets.kind == "numbers"
    result = striate.compare(data, ["line"])
    assert result.best.name == "line"
    result.best.recognizer.save(tmp_path / "line.safetensors")
    again = striate.load(tmp_path / "line.safetensors")
    assert isinstance(again, striate.Recognizer)
    (one,) = again([np.full((8, 8), 51, np.uint8)])
    assert one.brightness == pytest.approx(0.2, abs=0.01)
    assert result.report(tmp_path / "report.html").is_file()


def test_train_killed_and_resumed(run: Run, pictures: Callable[..., Path], tmp_path: Path) -> None:
    folder, killed = pictures(), tmp_path / "killed"
    words = ("train", str(folder), "--epochs", "30", "--seed", "1")
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(HERE), *words, "--out", str(killed)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    deadline = time.monotonic() + 120
    while not (killed / "best.safetensors").exists() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (killed / "recognizer.safetensors").exists()
    learned = len((killed / "metrics.jsonl").read_text().splitlines())

    resumed = run(*words, "--resume", killed, "--json")
    whole = run(*words, "--out", "whole", "--json")
    assert 0 < learned < len(resumed["history"])
    assert resumed["history"] == whole["history"]
    assert resumed["score"] == whole["score"]
    first, second = (striate.load(one["recognizer"]) for one in (resumed, whole))
    for name, tensor in first.predictor.tensors().items():
        assert tensor.equal(second.predictor.tensors()[name])  # bit for bit
    again = run(*words, "--resume", killed, "--json")  # it is there: nothing is learned
    assert again["stages"] == resumed["stages"]


def test_a_killed_comparison_goes_on(
    run: Run, pictures: Callable[..., Path], tmp_path: Path
) -> None:
    folder, killed = pictures(), tmp_path / "killed"
    words = ("compare", str(folder), "--out", str(killed))
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(HERE), *words],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while not (killed / "tiny/seed-0/best.safetensors").exists() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert (killed / "line.safetensors").is_file()
    before = striate.load(killed / "line/seed-0/recognizer.safetensors").provenance["seconds"]

    resumed = run(*words, "--json")
    whole = run("compare", folder, "--out", "whole", "--json")
    assert resumed["methods"][0]["stages"] == before
    for mine, theirs in zip(resumed["methods"], whole["methods"], strict=True):
        for key in ("score", "interval", "metrics", "validation", "history", "notes"):
            assert mine[key] == theirs[key], key


def test_predict_and_load(run: Run, trained: Path, pictures: Callable[..., Path]) -> None:
    folder = pictures(6, name="others")
    rows = run("predict", trained, folder, "--json")
    assert [set(row) for row in rows] == [{"path", "brightness"}] * 6
    loaded = striate.load(trained)
    said = list(loaded.predict([row["path"] for row in rows]))
    assert [one.brightness for one in said] == pytest.approx([row["brightness"] for row in rows])
    assert "brightness 0." in run("predict", trained, folder / "0.png")
    pixels = np.asarray(Image.open(folder / "0.png"))
    assert loaded([pixels])[0].brightness == pytest.approx(rows[0]["brightness"], abs=1e-5)
    assert isinstance(loaded, Recognizer)


def test_check(run: Run, pictures: Callable[..., Path]) -> None:
    folder = pictures()
    (folder / "3.png").write_text("no picture")
    (folder / "5.png").write_bytes((folder / "4.png").read_bytes())
    found = run("check", folder, "--json")
    assert found["data"]["targets"] == "numbers"
    assert [one["name"] for one in found["left_out"]] == ["3.png"]
    assert "5.png" in json.dumps(found["conflicts"])  # the same picture with two numbers


def test_evaluate(run: Run, trained: Path, tmp_path: Path) -> None:
    found = run("evaluate", trained, tmp_path / "lamps", "--json")
    known = striate.load(trained).provenance["test"]
    assert (found["score"], found["interval"]) == (known["value"], known["interval"])
    assert found["metrics"] == pytest.approx(known["metrics"])
    assert cli.run(["evaluate", str(trained), str(tmp_path / "lamps"), "--crops", "10"]) == 2


def test_evaluate_scores_nothing_that_was_learned_from(pictures: Callable[..., Path]) -> None:
    folder = pictures()
    rows = (folder / "brightness.csv").read_text().splitlines()
    for number in range(0, len(rows) - 1, 2):  # copies: they move examples between the splits
        name, brightness = rows[number + 1].split(",")
        with Image.open(folder / name) as image:
            image.resize((24, 24)).save(folder / f"again-{name}")
        rows.append(f"again-{name},{brightness}")
    (folder / "brightness.csv").write_text("\n".join(rows) + "\n")
    (folder / "3.png").write_text("no picture")
    outcome = learn(folder, "line", task="brightness")
    assert outcome.data.dataset.split.tolist() != opening.open(folder).split.tolist()
    data = opening.open(folder, task="brightness", learn=False)
    found = evaluate({"line": outcome.recognizer}, data)
    assert found.notes == ()
    assert found.scores["line"].examples == len(outcome.data.dataset.test)
    scored, tested = found.dataset.test.inputs, outcome.data.dataset.test.inputs
    assert sorted(map(scored.name, range(len(scored)))) == sorted(
        map(tested.name, range(len(tested)))
    )
    (note,) = evaluate({"line": outcome.recognizer}, data, split="all").notes
    assert "learned from this dataset" in note
    (note,) = evaluate({"line": outcome.recognizer}, opening.open(folder, seed=1)).notes
    assert "learned from other examples" in note


def test_export_answers_the_same(run: Run, trained: Path, tmp_path: Path) -> None:
    names = [str(tmp_path / "lamps" / f"{number}.png") for number in range(4)]
    said = [one.brightness for one in striate.load(trained)(names)]
    run("export", trained, "--to", "onnx", "--out", "tiny.onnx")
    assert "brightness" in Path("tiny.md").read_text()
    exported = striate.load("tiny.onnx")
    assert exported.task.name == "brightness"
    assert [one.brightness for one in exported(names)] == pytest.approx(said, abs=1e-5)
    rows = run("predict", "tiny.onnx", *names, "--json")
    assert [row["brightness"] for row in rows] == pytest.approx(said, abs=1e-5)


def test_serve(trained: Path, tmp_path: Path) -> None:
    picture = tmp_path / "lamps" / "0.png"
    (expected,) = striate.load(trained)([picture])

    async def calls() -> tuple[httpx.Response, httpx.Response]:
        app = create_app(Settings((str(trained),)))
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
        ):
            files = [("file", ("0.png", picture.read_bytes()))]
            tagged = await client.post("/v2/models/recognizer/upload", files=files)
            return tagged, await client.get("/v2/models/recognizer")

    tagged, described = asyncio.run(calls())
    assert tagged.status_code == described.status_code == 200, tagged.text
    (output,) = tagged.json()["outputs"]
    (concept,) = output["data"]["concepts"]
    assert concept["value"] == pytest.approx(expected.brightness, abs=1e-6)
    (outputs,) = described.json()["outputs"]
    assert outputs["name"] == "brightness"
