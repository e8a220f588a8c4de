"""A recognizer of texts behind HTTP: texts as JSON and as files, tensors, and what is refused."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import torch

import striate
from striate.handcrafted.bag_of_words import BagOfWords
from striate.recognizer import Recognizer
from striate.serving import Settings, create_app
from striate.tasks.table import TASKS
from striate.tasks.text.bag import Bag
from striate.texts import Tokenizer

UPLOAD, OUTPUTS = "/v2/models/films/upload", "/v2/models/films/outputs"
JSON = {"content-type": "application/json"}
INFER = "/v2/models/films/infer"


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """A recognizer that knows two words."""
    bag = BagOfWords(("bad", "good"), 1, "presence", np.ones(2, np.float32))
    weight = torch.tensor([[2.0, -2.0], [-2.0, 2.0]])
    predictor = Bag(tokenizer=Tokenizer(), bag=bag, weight=weight, bias=torch.zeros(2))
    path = tmp_path / "films.safetensors"
    Recognizer(TASKS["text"], predictor, ("no", "yes")).save(path)
    return path


def ask(model: Path, *calls: tuple[str, str, dict[str, Any]]) -> list[httpx.Response]:
    async def all_of_them() -> list[httpx.Response]:
        app = create_app(Settings((str(model),)))
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
        ):
            return [await client.request(verb, path, **more) for verb, path, more in calls]

    return asyncio.run(all_of_them())


def test_texts_as_json_and_as_files(films: Path) -> None:
    texts = ["a good film", "bad, bad", ""]
    body = {"inputs": [{"id": str(n), "data": {"text": {"raw": t}}} for n, t in enumerate(texts)]}
    files = [("file", (f"{n}.txt", text.encode())) for n, text in enumerate(texts)]
    half = {"content": b'{"inputs": [{"data": {"text": {"raw": "\\ud800"}}}]}', "headers": JSON}
    said, uploaded, refused = ask(
        films,
        ("POST", OUTPUTS, {"json": body}),
        ("POST", UPLOAD, {"files": files}),
        ("POST", OUTPUTS, half),
    )
    assert said.status_code == uploaded.status_code == 207
    expected = striate.load(films)(texts[:2])
    for answer in (said, uploaded):
        outputs = answer.json()["outputs"]
        for output, one in zip(outputs, expected, strict=False):
            assert output["data"]["concepts"][0]["name"] == one.labels[0].name
            value = output["data"]["concepts"][0]["value"]
            assert value == pytest.approx(one.labels[0].probability, abs=1e-6)
        assert outputs[2]["status"]["details"] == "empty text"
        assert outputs[0]["input"]["data"] == {"text": {}}  # what was sent is not repeated
    assert refused.status_code == 400
    assert "hex escape at line 1 column" in refused.json()["status"]["details"]


def test_tensors(films: Path) -> None:
    texts = {"name": "texts", "datatype": "BYTES", "shape": [2], "data": ["good", "bad"]}
    images = {**texts, "name": "images"}
    about, found, refused = ask(
        films,
        ("GET", "/v2/models/films", {}),
        ("POST", INFER, {"json": {"inputs": [texts]}}),
        ("POST", INFER, {"json": {"inputs": [images]}}),
    )
    assert about.json()["inputs"] == [{"name": "texts", "datatype": "BYTES", "shape": [-1]}]
    probabilities = found.json()["outputs"][0]
    assert probabilities["shape"] == [2, 2]
    assert np.reshape(probabilities["data"], (2, 2)).argmax(1).tolist() == [1, 0]
    assert refused.status_code == 422
    assert "takes texts" in refused.text


def test_what_is_refused(films: Path) -> None:
    picture = {"inputs": [{"data": {"image": {"base64": "R0lGODlhAQABAIAAAP///wAAACwAAAAA"}}}]}
    both = {"inputs": [{"data": {"image": {"base64": "R0"}, "text": {"raw": "good"}}}]}
    long = [("file", ("a.txt", b"good " * 300_000))]
    garbage = [("file", ("a.txt", bytes(range(1, 32)) * 9))]
    listed, one, two, three, four = ask(
        films,
        ("GET", "/v2/models", {}),
        ("POST", OUTPUTS, {"json": picture}),
        ("POST", OUTPUTS, {"json": both}),
        ("POST", UPLOAD, {"files": long}),
        ("POST", UPLOAD, {"files": garbage}),
    )
    assert listed.json()["models"][0]["thing"] == "text"
    assert one.json()["outputs"][0]["status"]["details"] == "this model reads texts"
    assert two.status_code == 422  # a question about a picture, which this model does not answer
    assert "1,048,576 bytes" in three.json()["outputs"][0]["status"]["details"]
    assert four.json()["outputs"][0]["status"]["details"] == "binary data, not text"
