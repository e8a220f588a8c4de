"""From a folder of persons to a file, an answer for two pictures, and a gallery."""

import asyncio
import base64
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import httpx
import numpy as np
import pytest
from PIL import Image

import striate
from striate import pages
from striate.errors import DataError, ModelError, UserError
from striate.serving import Settings, create_app
from striate.tasks.faces.answers import Identity, Match
from striate.tasks.faces.card import NO_GROUPS, by_group
from striate.tasks.faces.geometry import SIDE, template
from striate.tasks.faces.scores import scored
from striate.tasks.faces.sections import sections
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

    coded = [base64.b64encode(data).decode() for _, (_, data) in files]
    inputs = [{"data": {"image": {"base64": each}}} for each in coded]
    link = {"data": {"image": {"url": "http://example.com/a.jpg"}}}
    bodies = [{"inputs": some} for some in (2 * inputs, inputs[:1], [inputs[0], link])]

    async def ask() -> list[httpx.Response]:
        app = create_app(Settings((str(learned[1]),)))
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")
        async with app.router.lifespan_context(app), client:
            sent = [await client.post(where, files=some) for some in (files, files[:1])]
            json = where.replace("upload", "outputs")
            return sent + [await client.post(json, json=body) for body in bodies]

    both, one, coded_twice, half, linked = asyncio.run(ask())
    (output,) = both.json()["outputs"]
    assert output["data"]["match"]["same"] is True
    assert one.status_code == 400
    assert one.json()["status"]["details"] == "file: 2 images"
    assert [each["data"] for each in coded_twice.json()["outputs"]] == 2 * [output["data"]]
    assert half.json()["status"]["details"] == "inputs: 2 images"
    assert linked.status_code == 400
    details = linked.json()["status"]["details"]
    assert details == "inputs: 2 images as base64, one after the other"


def test_the_card_asks_for_consent_and_says_how_faces_are_found(learned):
    card = Faces().card(learned[0].recognizer)
    assert "the middle of the picture is taken" in card["What it reads"][0]
    assert any("Ask the people" in line for line in card["What it does not know"])


def test_errors_by_group_are_told_in_scores_card_and_report(learned, people: Path, tmp_path: Path):
    outcome = learned[0]
    data = outcome.data.dataset
    group = np.where(np.arange(len(data)) % 3 == 2, -1, data.targets.numbers % 2)  # one unknown
    people_ = replace(data.targets, groups=("left", "right"), group=group)
    scores = scored(outcome.answered, replace(data, targets=people_))
    (left, right) = scores.by_group
    first, second = (group[np.array(scores.faces)[places]] for places in scores.pairs[:2])
    own = (first == 0) & (second == 0)
    assert (left.name, left.pairs) == ("left", own.sum())
    assert left.error == (~scores.right[own]).mean()
    assert right.refused == (~scores.right[(first == 1) & (second == 1) & scores.pairs.same]).mean()
    assert any(line.startswith("left: ") for line in scores.lines())
    test = {"test": {"metrics": {**scores.metrics, "error@*bad*": "?"}}}
    assert by_group(test) == [NO_GROUPS]  # a file that holds anything
    test["test"]["metrics"].pop("error@*bad*")
    lines = by_group(test)
    assert lines[0].startswith(f"- left: {left.error:.1%} of its pairs are wrong")
    assert Faces().card(outcome.recognizer)["Errors by group"] == [NO_GROUPS]


def test_who_guesses_is_told_so(learned):
    outcome = learned[0]
    random = np.random.default_rng(0)
    guessed = replace(outcome.scores, similarity=random.normal(size=len(outcome.scores.right)))
    assert guessed.is_guessing
    assert "cannot be told from guessing" in "".join(guessed.lines())
    assert not outcome.scores.is_guessing


def test_the_report_draws_curves_and_shows_wrong_pairs(learned):
    outcome = learned[0]
    scores = outcome.scores
    against = replace(scores, similarity=-scores.similarity, threshold=-scores.threshold)
    chosen = SimpleNamespace(scores=against, data=outcome.data)
    wrong = SimpleNamespace(title="Pixels", scores=[against], chosen=chosen)
    told = list(sections(SimpleNamespace(rows=[wrong], best=wrong)))
    assert [section.template for section in told] == ["curves.html.jinja", "mistakes.html.jinja"]
    (curve,) = told[0].values["methods"]
    assert curve["points"].startswith("40.0,250.0 ")
    assert curve["points"].endswith(" 280.0,10.0")
    assert told[0].values["guessing"] == ["Pixels"]
    accepted, refused = told[1].values["kinds"]
    assert len(accepted["pairs"]) == 8
    assert all(len(one["names"]) == 2 for one in accepted["pairs"])
    assert all(len(one["names"]) == 1 for one in refused["pairs"])
    page = str(pages.fragment("striate.tasks.faces", told[1].template, told[1].values))
    assert page.count("<img") == 2 * (len(accepted["pairs"]) + len(refused["pairs"]))


def test_eyes_that_are_given_with_the_set_line_faces_up(people: Path, tmp_path: Path, learned):
    """Faces pushed aside: with the eyes of faces.csv they are as those in the middle."""
    moved, lines = tmp_path / "moved", ["path,left_eye_x,left_eye_y,right_eye_x,right_eye_y,group"]
    for folder in sorted(people.iterdir())[:12]:
        (moved / folder.name).mkdir(parents=True)
        for number in range(2):
            canvas = np.zeros((160, 160, 3), np.uint8)
            canvas[90:154, 5:69] = np.asarray(Image.open(folder / f"{number}.png"))
            Image.fromarray(canvas).save(moved / folder.name / f"{number}.png")
            # eyes of a face that reaches over 0.6 of 64 pixels, as the middle is taken
            eyes = template()[:2] / SIDE * 0.6 * 64 + 0.2 * 64 + [5, 90]
            cells = ",".join(f"{value:.4f}" for value in eyes.ravel())
            lines.append(f"{folder.name}/{number}.png,{cells},{folder.name[-1]}")
    (moved / "faces.csv").write_text("\n".join(lines) + "\n")
    data = striate.open(moved, task="faces", learn=False)
    assert len(data.targets.groups) == 10
    data = replace(data, split=np.full(len(data), 2, np.int8))
    recognizer, rows = striate.load(learned[1]), range(len(data))
    scores = Faces().evaluated({"it": recognizer}, data, rows, {})["it"]
    assert scores.value > 0.9
    plain = replace(data, targets=replace(data.targets, eyes=None))
    assert Faces().evaluated({"it": recognizer}, plain, rows, {})["it"].value < scores.value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path\na/0.png\n", "expected a column path, and group"),
        ("path,xmin,ymin\na/0.png,1,2\n", "of the columns xmin, ymin, xmax, ymax it has 2"),
        ("path,group\nb/9.png,x\n", "faces.csv:2: there is no picture b/9.png"),
        ("path,xmin,ymin,xmax,ymax\nperson-00/0.png,1,2,x,4\n", "1, 2, x, 4 are not four numbers"),
        ("path,xmin,ymin,xmax,ymax\nperson-00/0.png,1,2,1,2\n", "both places are the same"),
    ],
)  # fmt: skip
def test_a_list_of_faces_that_is_not_understood_is_refused(
    people: Path, tmp_path: Path, text: str, message: str
):
    folder = tmp_path / "people"
    shutil.copytree(people, folder)
    (folder / "faces.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        striate.open(folder, task="faces")


def test_an_export_is_refused_with_the_reason(learned):
    with pytest.raises(ModelError, match="not a graph that can be exported"):
        learned[0].recognizer.predictor.graph()


def test_one_picture_without_a_gallery_is_refused():
    with pytest.raises(UserError, match="give two pictures, or a list of pairs"):
        Faces().given(["a.jpg"], {})


def test_features_are_of_single_pictures(tmp_path: Path):
    places = [str(tmp_path / f"{name}.png") for name in "abc"]
    for place in places:
        Image.new("RGB", (4, 4)).save(place)
    assert Faces().given(places, {"features": "embedding"}).count == 3
