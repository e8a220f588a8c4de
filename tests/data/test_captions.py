"""Captions from every form that is read, and what is said of bad ones."""

import json

import numpy as np
import pytest
from PIL import Image

import striate
from striate.checking import check, write_page
from striate.data.caption_files import is_captioned, open_captioned
from striate.data.captions import LONG
from striate.errors import DataError
from striate.tasks.captions.drawing import marked


def photo(path, seed):
    path.parent.mkdir(exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (20, 30, 3), np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def folder(tmp_path):
    for number in range(6):
        photo(tmp_path / "images" / f"{number}.jpg", number)
    return tmp_path


def splits(data):
    return {data.inputs.name(row).rpartition("/")[2]: int(data.split[row])
            for row in range(len(data))}  # fmt: skip


def reasons(data):
    return {one.name: one.reason for one in data.left_out}


def test_a_table_with_everything_that_can_be_wrong(folder):
    rows = [
        ("split", "image", "caption"),
        ("train", "0.jpg", "A dog runs ."),
        ("train", "0.jpg", "A dog, running!"),
        ("val", "1.jpg", "A cat"),
        ("test", "2.jpg", "word " * (LONG + 1)),
        ("train", "3.jpg", " . "),
        ("train", "gone.jpg", "Nobody knows"),
        ("train", "", "No image"),
        ("train", "4.jpg", "A bird"),
        ("train", "4.jpg", ""),
    ]
    (folder / "captions.tsv").write_text("\n".join(map("\t".join, rows)))
    for place in (folder, folder / "captions.tsv"):
        assert is_captioned(place)
        data = open_captioned(place, seed=0)
        assert splits(data) == {"0.jpg": 0, "4.jpg": 0, "1.jpg": 1, "2.jpg": 2}
        assert data.targets.sentences[0] == ("A dog runs .", "A dog, running!")
        assert [one.words for one in data.targets.doubts] == [LONG + 1]
        told = reasons(data)
        assert told["3.jpg"] == "1 caption without a word, so it is not used"
        assert told["4.jpg"] == "1 caption without a word"
        assert told["gone.jpg"] == "no such file; 1 caption"
        assert told["captions.tsv:8"] == "names no image"
        assert any("2 images without a caption" in note for note in data.notes)
        facts = data.targets.facts(data.split)
        assert facts.values["captions"] == 5
        assert facts.values["unlearned_words"] == pytest.approx(1 - 1 / (2 + LONG + 1))


def test_flickr8k(folder):
    lines = [f"{n}.jpg#{k}\tA thing , number {k} ." for n in range(5) for k in range(2)]
    (folder / "Flickr8k.token.txt").write_text("\n".join([*lines, "no caption"]))
    for name, some in (("train", "0 1 5"), ("dev", "2"), ("test", "3")):
        text = "".join(f"{n}.jpg\n" for n in some.split())
        (folder / f"Flickr_8k.{name}Images.txt").write_text(text)
    data = open_captioned(folder, seed=0)
    assert splits(data) == {"0.jpg": 0, "1.jpg": 0, "4.jpg": 0, "2.jpg": 1, "3.jpg": 2}
    assert data.targets.sentences[0] == ("A thing , number 0 .", "A thing , number 1 .")
    assert reasons(data)["5.jpg"] == "has no caption"
    assert reasons(data)["Flickr8k.token.txt:11"] == "is not NAME.jpg#0<tab>caption"


def test_coco(folder):
    for part, names in (("train", (0, 1)), ("val", (2, 3))):
        images = [{"id": n, "file_name": f"{n}.jpg"} for n in names]
        told = [{"id": n, "image_id": n, "caption": f"Picture {n}"} for n in names[:1]]
        told.append({"id": 99, "image_id": 77, "caption": "Of nothing"})
        table = {"images": images, "annotations": told}
        (folder / f"captions_{part}2017.json").write_text(json.dumps(table))
    data = open_captioned(folder, seed=0)
    assert splits(data)["2.jpg"] == 1
    assert reasons(data)["1.jpg"] == "has no caption"
    assert reasons(data)["captions_val2017.json"] == "1 caption of no image in it"


def test_no_picture_is_there(tmp_path):
    (tmp_path / "captions.csv").write_text("image,caption\na.jpg,A dog\n")
    with pytest.raises(DataError, match=r"a.jpg: no such file; 1 caption"):
        open_captioned(tmp_path, seed=0)


def test_a_caption_with_the_separator_is_whole(folder):
    lines = ["image,split,caption", "0.jpg,,A dog, a cat", "1.jpg,,A cow,,", "2.jpg,,A hen, eating"]
    (folder / "captions.txt").write_text("\n".join(lines))
    data = open_captioned(folder, seed=0)
    assert set(data.targets.sentences) == {("A dog, a cat",), ("A cow",), ("A hen, eating",)}
    lines = ["caption,image,split", "A dog, a cat,0.jpg,train", "A hen,1.jpg,train"]
    (folder / "captions.txt").write_text("\n".join(lines))
    data = open_captioned(folder, seed=0)
    assert data.targets.sentences == (("A hen",),)
    assert "quotation marks" in reasons(data)["captions.txt:2"]


def test_what_stands_in_two_splits_is_in_the_last(folder):
    rows = ["split,image,caption", "test,0.jpg,A dog", "train,0.jpg,A cat", "train,1.jpg,A hen"]
    (folder / "captions.csv").write_text("\n".join(rows))
    data = open_captioned(folder, seed=0)
    assert splits(data)["0.jpg"] == 2
    assert any("1 image in several splits" in note and "0.jpg" in note for note in data.notes)


def test_texts_are_captions_where_the_table_names_pictures(folder):
    for names in (["0.jpg", "1.jpg"], ["0.jpg", "1.wav"]):
        lines = [json.dumps({"file_name": name, "text": f"A {name}"}) for name in names]
        (folder / "metadata.jsonl").write_text("\n".join([*lines, ""]))
        (folder / "copy").mkdir(exist_ok=True)  # what a path holds is remembered
        place = (folder / "metadata.jsonl").rename(folder / "copy" / f"{names[1]}.jsonl")
        assert is_captioned(place) == (names[1] == "1.jpg")


def test_a_first_line_that_is_no_caption(folder):
    text = "# made by hand\n0.jpg#0\tA dog\n"
    (folder / "some.token.txt").write_text(text)
    assert reasons(open_captioned(folder, seed=0)) == {
        "some.token.txt:1": "is not NAME.jpg#0<tab>caption"
    }


def test_a_set_without_a_training_part_says_why(folder):
    table = {
        "images": [{"id": 1, "file_name": "0.jpg"}],
        "annotations": [{"id": 1, "image_id": 1, "caption": "A dog"}],
    }
    (folder / "captions_val2017.json").write_text(json.dumps(table))
    with pytest.raises(DataError, match="name all for validation or test"):
        striate.open(folder, task="captions")


def test_copies_with_other_sentences_are_no_contradiction(folder):
    (folder / "images" / "copy.jpg").write_bytes((folder / "images" / "0.jpg").read_bytes())
    rows = ["image,caption", *(f"{n}.jpg,A dog {n}" for n in range(6)), "copy.jpg,A hound"]
    (folder / "captions.csv").write_text("\n".join([*rows, f"1.jpg,{'far ' * 9_000}"]))
    found = check(open_captioned(folder, seed=0))
    assert len(found.copies) == 1
    assert not found.conflicts
    page = write_page(found, folder / "check.html", draw=marked).read_text()
    assert page.count("far ") < 1_000  # of a long caption the beginning
