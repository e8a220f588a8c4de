"""Asking from the command line and over HTTP: the same answer everywhere."""

import asyncio
import base64
import json

import httpx
import pytest
from typer.testing import CliRunner

import striate
from striate.cli import app
from striate.errors import UserError
from striate.inference.reading import Named
from striate.serving import Settings, create_app

QUESTION = "what is the colour of the wall ?"


@pytest.fixture
def expected(kept, colors):
    (found,) = striate.load(kept)([Named("a", (colors / "images/image0.png", QUESTION))])
    return found.answer


def test_one_question_about_a_picture(kept, colors, expected):
    picture = str(colors / "images/image0.png")
    found = CliRunner().invoke(
        app, ["predict", str(kept), picture, "--question", QUESTION, "--json"]
    )
    said = json.loads(found.stdout)
    assert said["path"] == picture
    assert said["question"] == QUESTION
    assert said["answer"] == expected.text
    assert said["probability"] == pytest.approx(expected.said[0].probability, abs=1e-6)
    assert said["looked"]
    with pytest.raises(UserError, match="give --question"):
        striate.load(kept).task.given([picture], {})


def test_a_table_of_questions(kept, colors):
    (colors / "ask.tsv").write_text(
        f"image\tquestion\nimage0.png\t{QUESTION}\nimage99.png\tis it there ?\n"
        f"\twhat ?\n{colors}/images/image1.png\t{QUESTION}\n"
    )
    found = CliRunner().invoke(app, ["predict", str(kept), str(colors / "ask.tsv"), "--json"])
    rows = [json.loads(line) for line in found.stdout.splitlines()]
    assert rows[0]["path"] == "images/image0.png"
    assert rows[0]["question"] == QUESTION
    assert rows[1:3] == [
        {"path": "image99.png", "error": "no such file"},
        {"path": "ask.tsv:4", "error": "names no image"},
    ]
    assert rows[3]["question"] == QUESTION  # who asks may name a picture anywhere


def test_over_http(kept, colors, expected):
    data = (colors / "images/image0.png").read_bytes()
    files = {"file": ("a.png", data)}
    pair = {"image": {"base64": base64.b64encode(data).decode()}, "text": {"raw": QUESTION}}
    body = {"inputs": [{"data": pair}]}
    place = "/v2/models/colors"

    async def ask():
        served = create_app(Settings((str(kept),)))
        transport = httpx.ASGITransport(served)
        async with (
            served.router.lifespan_context(served),
            httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
        ):
            asked = {"question": QUESTION}
            return [
                await client.post(f"{place}/upload", params=asked, files=files),
                await client.post(f"{place}/outputs", json=body),
                await client.post(f"{place}/explain", params=asked, files=files),
                await client.post(f"{place}/upload", files=files),
                await client.post(f"{place}/upload", params={"question": ""}, files=files),
            ]

    upload, outputs, map_, missing, empty = asyncio.run(ask())
    for answer in (upload, outputs):
        assert answer.status_code == 200
        said = answer.json()["outputs"][0]["data"]
        assert said["text"]["raw"] == expected.text
        assert said["concepts"][0]["value"] == pytest.approx(expected.said[0].probability, abs=1e-5)
        assert said["looked"]
    assert map_.json()["class"] == expected.text
    assert missing.status_code == 400
    assert "what is asked is missing" in missing.json()["status"]["details"]
    assert empty.json()["outputs"][0]["status"]["details"] == "the question is empty"


def test_scores_name_what_is_drawn_anew(kept, colors):
    found = CliRunner().invoke(app, ["evaluate", str(kept), str(colors)])
    assert "9 pictures\n" in found.stdout
    assert "18 questions about 9 pictures" in found.stdout
