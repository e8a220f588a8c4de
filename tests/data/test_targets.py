"""The contract of targets, with labels and with a kind that striate does not have."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from striate.checking import check, summary, to_json, write_page
from striate.data import Array, Dataset, Labels, Targets, decode
from striate.data.dataset import Files
from striate.errors import DataError
from striate.images import View


@dataclass(frozen=True, eq=False)
class Captions(Targets):
    """A sentence for each picture, and no classes: only what the contract demands."""

    sentences: tuple[str, ...]

    kind = "captions"
    names = ()

    def __len__(self):
        return len(self.sentences)

    def take(self, rows):
        return Captions(tuple(self.sentences[row] for row in rows))

    def strata(self):
        return np.array([len(each.split()) for each in self.sentences])

    def counts(self, split):
        return np.zeros((0, 3), np.int64)

    def mark(self, row):
        return self.sentences[row].encode()

    def words(self, row):
        return self.sentences[row]


@pytest.fixture
def captioned():
    pixels = np.random.default_rng(0).integers(0, 256, (20, 40, 40), dtype=np.uint8)
    pixels[19] = pixels[18]
    words = tuple("a cat" if row % 2 else f"a dog runs {row}" for row in range(20))
    data = Dataset("told", Array(pixels), Captions(words), np.zeros(20, np.int8))
    return data.complete(0)


def test_another_kind_is_split_taken_and_fingerprinted(captioned):
    data = captioned
    assert data.classes == ()
    assert data.drawn == {"test", "validation"}
    for part in (data.test, data.validation):  # a fifth of each stratum
        assert sorted(map(len, map(str.split, part.targets.sentences))) in ([2, 2, 4, 4],)
    assert data.take([3, 2]).targets.sentences == ("a cat", "a dog runs 2")
    assert data.take(range(20)).fingerprint() == data.take(range(20)[::-1]).fingerprint()
    other = Captions(("a fox", *data.targets.sentences[1:]))
    assert replace(data, targets=other).fingerprint() != data.fingerprint()


def test_another_kind_is_decoded_without_what_is_broken(captioned, tmp_path):
    from PIL import Image

    for row in range(20):
        Image.fromarray(captioned.inputs[row]).save(tmp_path / f"{row}.png")
    row = int(np.flatnonzero(captioned.split == 0)[0])
    (tmp_path / f"{row}.png").write_bytes(b"broken")
    files = Files([f"{row}.png" for row in range(20)], tmp_path)
    found = decode(replace(captioned, inputs=files), [View(8)])
    assert len(found.pixels[View(8)]) == len(found.dataset.targets) == 19
    assert [each.name for each in found.dataset.left_out] == [f"{row}.png"]


def test_another_kind_is_checked(captioned, tmp_path):
    findings = check(captioned, deep=False)
    assert not findings.judged
    (conflict,) = findings.conflicts
    assert conflict.rows == (18, 19)
    assert "1 picture marked in several ways" in summary(findings)
    assert summary(findings).startswith("told: 20 images\n")
    value = to_json(findings)
    assert (value["data"]["targets"], value["data"]["classes"]) == ("captions", {})
    assert value["copies"][0]["images"][1]["label"] == "a cat"
    page = write_page(findings, tmp_path / "page.html", lambda *_: None).read_text()
    assert "a dog runs 18" in page
    assert "The classes" not in page


def test_labels():
    labels = Labels(("cat", "dog"), np.array([0, 1, 1]))
    assert labels.counts(np.array([0, 2, -1], np.int8)).tolist() == [[1, 0, 0], [0, 0, 1]]
    assert [labels.words(row) for row in range(3)] == ["cat", "dog", "dog"]
    assert labels.key(1) == labels.key(2) != labels.key(0)
    assert labels.take([2, 0]).numbers.tolist() == [1, 0]
    assert labels.doubts == ()
    assert labels.facts(np.zeros(3, np.int8)).faults == ()


def test_a_class_that_loses_its_training_images_is_taken_out():
    labels = Labels(("a", "b", "c"), np.array([0, 1, 2, 1, 0]))
    split = np.array([0, 0, 0, 2, 2], np.int8)
    stay, left, lost = labels.narrowed(split, np.array([True, False, True, True, True]))
    assert stay.tolist() == [True, False, True, False, True]
    assert (left.names, left.numbers.tolist(), lost) == (("a", "c"), [0, 1, 0], ("b",))
    stay, left, lost = labels.narrowed(split, np.array([True, True, True, True, False]))
    assert (left.names, left.numbers.tolist(), lost) == (("a", "b", "c"), [0, 1, 2, 1], ())


def test_labels_that_cannot_be_learned():
    one = Labels(("a", "b"), np.array([0, 1]))
    with pytest.raises(DataError, match="photos: one image a class"):
        one.learnable(np.zeros(2, np.int8), name="photos", drawn=True)
