"""Questions about pictures: three forms on disk, what is left out, and what a check says."""

import json

import numpy as np
import pytest
from PIL import Image

import striate
from striate.checking import check, trusted
from striate.data.questions import items_of, plain_answer, read_questions
from striate.errors import DataError
from striate.images import View

LINES = [  # split, image, question, answer
    ("train", "1.png", "what is on the desk ?", "cup, pen"),
    ("train", "1.png", "how many cups are there ?", "2"),
    ("train", "2.png", "what is on the desk ?", "lamp"),
    ("val", "3.png", "what is red ?", "lamp"),
    ("test", "4.png", "what is on the desk ?", "pen,cup"),
    ("test", "4.png", "what is blue ?", "zebra"),
]


@pytest.fixture
def folder(tmp_path):
    for number in range(1, 5):
        pixels = np.full((8, 8, 3), 40 * number, np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    return tmp_path


def written(folder, lines=LINES, name="qa.tsv"):
    head = ("split", "image", "question", "answer")
    (folder / name).write_text("".join("\t".join(line) + "\n" for line in (head, *lines)))
    return folder / name


def test_an_answer_is_a_set():
    assert items_of("Pen, cup,pen") == ("pen", "cup")
    assert plain_answer("pen,cup") == plain_answer("cup, pen") == "cup, pen"


def test_a_table_with_its_own_splits(folder):
    data = striate.open(written(folder))
    assert [int((data.split == part).sum()) for part in range(3)] == [3, 1, 2]
    assert data.inputs[0][1] == "what is on the desk ?"
    assert data.targets.texts[0] == "cup, pen"
    assert any("1 of 2 test answers (50.0 %)" in note for note in data.notes)
    assert data.groups is not None
    assert data.groups[0] == data.groups[1] != data.groups[2]


def test_what_cannot_be_used_has_a_line_each(folder):
    more = [
        ("train", "9.png", "what is there ?", "cup"),
        ("train", "9.png", "what else ?", "pen"),
        ("train", "1.png", "", "cup"),
        ("train", "1.png", "why ?", ""),
        ("train", "1.png", "why " * 10_000, "cup"),
        ("train", "1.png", "why ?", "cup " * 200),
        ("train", "1.png", "why, \t why ?", "cup"),
        ("train", str(folder / "1.png"), "from elsewhere ?", "cup"),
        ("train", f"../{folder.name}/2.png", "from elsewhere ?", "cup"),
        ("train", "x" * 5_000, "of a long name ?", "cup"),
    ]
    data = striate.open(written(folder, [*LINES, *more]))
    reasons = {one.name: one.reason for one in data.left_out}
    assert reasons == {
        "9.png": "no such file; 2 questions",
        "qa.tsv:10": "the question is empty",
        "qa.tsv:11": "has no answer",
        "qa.tsv:12": "the question has 10,000 words, and at most 100 are read",
        "qa.tsv:13": "the answer has 200 words, and at most 100 are read",
        "qa.tsv:14": "has 5 cells under 4 headings: put quotation marks around a text with a tab",
        "x" * 5_000: "no such file; 1 question",
        str(folder / "1.png"): "no such file; '1.png' belongs to another entry; 1 question",
        f"../{folder.name}/2.png": "no such file; '2.png' belongs to another entry; 1 question",
    }
    assert set(data.inputs.paths) == {f"{number}.png" for number in range(1, 5)}  # never outside
    assert any("4 images missing, and with them 5 questions" in note for note in data.notes)


def test_daquar_names_the_image_in_the_question(folder):
    for number in range(1, 5):
        (folder / f"{number}.png").rename(folder / f"image{number}.png")
    for part, numbers in (("train", (1, 2, 3)), ("test", (4,))):
        lines = [
            line for n in numbers
            for line in (f"what is on the desk in the image{n} ?", "cup",
                         f"how many pens are there in image {n}?", "2, 3")
        ]  # fmt: skip
        lines.insert(2, f"what has no answer in the image{numbers[0]} ?")
        (folder / f"qa.37.raw.{part}.txt").write_text("\n".join(lines) + "\n")
    for place in (folder, folder / "qa.37.raw.train.txt"):
        data = striate.open(place, learn=False)
        assert len(data) == 8
        assert (data.split == 2).sum() == 2
        assert data.inputs[0][0].name == "image1.png"
        assert data.inputs[0][1] == "what is on the desk ?"
        assert data.targets.texts[1] == "2, 3"


def test_vqa_has_the_answers_of_ten_people(folder):
    for number in range(1, 5):
        (folder / f"{number}.png").rename(folder / f"COCO_train2014_{number:012}.png")
    asked = [{"image_id": k, "question": f"What is it {k}?", "question_id": 10 * k}
             for k in range(1, 5)]  # fmt: skip
    notes = [
        {"question_id": 10 * k, "image_id": k, "multiple_choice_answer": "Cup" if k > 1 else "pen",
         "answer_type": "other", "answers": [{"answer": "cup", "answer_id": n} for n in range(10)]}
        for k in range(1, 5)
    ]  # fmt: skip
    name = "v2_{}mscoco_train2014_{}.json"
    questions = folder / name.format("OpenEnded_", "questions")
    questions.write_text(json.dumps({"data_subtype": "train2014", "questions": asked}))
    (folder / name.format("", "annotations")).write_text(json.dumps({"annotations": notes}))
    for place in (folder, questions):
        data = striate.open(place, learn=False)
        assert len(data) == 4
        rows = {data.inputs[row][1]: row for row in range(4)}
        row = rows["What is it 3?"]
        assert data.inputs[row][0].name.endswith("3.png")
        assert data.targets.texts[row] == "cup"
        assert data.targets.people[row] == ("cup",) * 10
        assert data.targets.types[row] == "other"


def test_damaged_files_of_vqa(folder):
    asked = [{"image_id": 1, "question": f"Why {k}?", "question_id": str(k)} for k in range(4)]
    damaged = ["no object", {"question_id": [1]}, {**asked[0], "question": None}]
    notes = [{"question_id": k, "multiple_choice_answer": "ab"[k % 2]} for k in range(4)]
    (folder / "x_questions.json").write_text(json.dumps({"questions": [*asked, *damaged]}))
    (folder / "x_annotations.json").write_text(
        json.dumps({"annotations": [*notes, None, {"question_id": None}]})
    )
    data = striate.open(folder, learn=False)
    assert sorted(data.targets.texts) == ["a", "a", "b", "b"]
    assert [one.reason for one in data.left_out] == ["the question is empty"] * 2


def test_a_table_in_another_encoding_is_told(folder):
    lines = ["image,question,answer", "1.png,où ?,là", "2.png,où ?,ici", '3.png,où ?,"çà, là"']
    (folder / "qa.csv").write_bytes("\n".join(lines).encode("cp1252"))
    data = striate.open(folder, learn=False)
    assert "qa.csv is not UTF-8; it was read as Windows-1252" in data.notes
    assert "là, çà" in data.targets.texts


def test_a_set_without_answers_or_with_one_is_refused(folder):
    with pytest.raises(DataError, match="none can be used"):
        striate.open(written(folder, [("train", "1.png", "why ?", "")]))
    with pytest.raises(DataError, match="has the answer 'a'"):
        striate.open(written(folder, [("train", f"{k}.png", "why ?", "a") for k in range(1, 5)]))


def test_a_picture_of_the_test_that_is_learned_from_is_not_scored(folder):
    copy = folder / "5.png"
    copy.write_bytes((folder / "1.png").read_bytes())
    data = striate.open(written(folder, [*LINES, ("test", "5.png", "what is green ?", "cup")]))
    clean = trusted(read_questions(data, [View(8, fit="squash")])).dataset
    assert (clean.split == 2).sum() == 2
    told = "1 of 3 test questions (33.3 %) is about a picture that also stands in training"
    assert any(told in note for note in clean.notes)
    found = check(data)
    assert [data.inputs.paths[row] for row in found.leaks.tolist()] == ["5.png"]
    assert not found.conflicts


def test_a_question_that_is_asked_twice_is_found(folder):
    again = ("train", "1.png", "What is on the desk?", "lamp")
    found = check(striate.open(written(folder, [*LINES, again])))
    assert found.repeated == 1
    assert len(found.conflicts) == 1


def test_splits_that_are_drawn_keep_a_picture_whole(folder):
    for number in range(5, 21):
        pixels = np.full((8, 8, 3), 11 * number, np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    head = "image\tquestion\tanswer\n"
    lines = [f"{k}.png\twhat is {q} ?\t{'ab'[k % 2]}\n" for k in range(1, 21) for q in "xyz"]
    (folder / "qa.tsv").write_text(head + "".join(lines))
    data = striate.open(folder)
    assert {int(part) for part in data.split} == {0, 1, 2}
    for group in range(20):
        assert len(set(data.split[data.groups == group].tolist())) == 1
