"""From a folder of persons to a file, an answer for two pictures, and a gallery."""

import asyncio
from pathlib import Path

import httpx
import numpy as np
import pytest

import striate
from striate.errors import UserError
from striate.serving import Settings, create_app
from striate.tasks.faces.answers import Identity, Match
from striate.tasks.faces.task import Faces


@pytest.fixture(scope="module")
def learned(people: Path, tmp_path_factory: pytest.TempPathFactory):
    """Pixels and their correlation, learned once, and the file."""
    from striate.models import mtcnn

    def absent(path: Path) -> None:
        raise mtcnn.WeightsError("no network in tests")

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(mtcnn.FOLDER, "/nowhere")
        patch.setattr(mtcnn, "fetched", absent)
        outcome = striate.learn(people, "pixels", task="faces")
    path = tmp_path_factory.mktemp("file") / "faces.safetensors"
    outcome.recognizer.save(path)
    return outcome, path


def test_persons_are_told_apart_and_intervals_are_over_persons(learned):
    scores = learned[0].scores
    assert scores.value > 0.9
    assert scores.examples == len(set(scores.persons.ravel().tolist()))
    assert scores.examples < len(scores.right)
    assert scores.metrics["guessing"] == pytest.approx(0.5, abs=0.05)
    low, high = scores.interval
    assert low <= scores.value <= high


def test_without_a_detector_it_is_told(learned):
    notes = learned[0].data.dataset.notes
    assert any("the middle of each picture is taken for the face" in note for note in notes)


def test_a_file_answers_as_what_was_learned(learned, people: Path):
    outcome, path = learned
    folders = sorted(people.iterdir())
    pairs = [(str(folders[0] / "0.png"), str(folders[0] / "1.png")),
             (str(folders[0] / "0.png"), str(folders[1] / "0.png"))]  # fmt: skip
    same, other = striate.load(path)(pairs)
    assert isinstance(same.answer, Match)
    assert same.answer.same
    assert not other.answer.same
    assert same.answer.probability > 0.5 > other.answer.probability
    assert outcome.recognizer(pairs)[0].answer == same.answer
    assert set(same.to_json()) == {"path", "same", "probability", "similarity"}


def test_a_picture_that_cannot_be_read_is_named_with_its_place(learned, people: Path):
    good = str(next(people.iterdir()) / "0.png")
    (answer,) = striate.load(learned[1])([(good, "/nowhere/a.png")])
    assert answer.error is not None
    assert answer.error.startswith("second: ")


def test_a_gallery_knows_its_own_and_nobody_else(learned, people: Path, tmp_path: Path):
    recognizer = striate.load(learned[1])
    folders = sorted(people.iterdir())
    for folder in folders[:6]:
        (tmp_path / folder.name).mkdir()
        (tmp_path / folder.name / "a.png").write_bytes((folder / "0.png").read_bytes())
    gallery = Faces().answering(recognizer.predictor, {"gallery": tmp_path})
    found = gallery.predict([gallery.prepare(str(folder / "1.png")) for folder in folders])
    assert all(isinstance(one, Identity) for one in found)
    assert [one.person for one in found[:6]] == [folder.name for folder in folders[:6]]
    assert np.mean([one.person is None for one in found[6:]]) > 0.7


def test_two_files_are_one_question_to_the_service(learned, people: Path):
    folders = sorted(people.iterdir())
    files = [("file", (place, (folders[0] / place).read_bytes())) for place in ("0.png", "1.png")]
    where = "/v2/models/faces/upload"

    async def ask() -> list[httpx.Response]:
        app = create_app(Settings((str(learned[1]),)))
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")
        async with app.router.lifespan_context(app), client:
            return [await client.post(where, files=some) for some in (files, files[:1])]

    both, one = asyncio.run(ask())
    (output,) = both.json()["outputs"]
    assert output["data"]["match"]["same"] is True
    assert one.status_code == 400
    assert one.json()["status"]["details"] == "file: 2 images"


def test_the_card_asks_for_consent_and_says_how_faces_are_found(learned):
    card = Faces().card(learned[0].recognizer)
    assert "the middle of the picture is taken" in card["What it reads"][0]
    assert any("Ask the people" in line for line in card["What it does not know"])


def test_one_picture_without_a_gallery_is_refused():
    with pytest.raises(UserError, match="give two pictures, or a list of pairs"):
        Faces().given(["a.jpg"], {})
