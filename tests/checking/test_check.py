"""The whole check of small folders whose faults are known; the quick part before a score."""

import shutil

import numpy as np
import pytest
from PIL import Image, ImageOps

import striate
from striate.checking import check, glance, trusted
from striate.data import decode
from striate.images import View


def names(findings, rows):
    return [findings.dataset.images.name(row) for row in rows]


def test_a_sound_folder(folder):
    findings = check(folder, deep=False, judge=False)
    assert findings.sound, str(findings)
    assert not findings.remove


def test_leaks_conflicts_and_copies(folder):
    shutil.copyfile(folder / "train/cat/0.png", folder / "test/cat/leak.png")
    with Image.open(folder / "train/dog/1.png") as image:
        ImageOps.mirror(image).resize((60, 50)).save(folder / "test/dog/mirrored.png")
        image.save(folder / "validation/cat/conflict.jpg", quality=60)
    shutil.copyfile(folder / "train/dog/5.png", folder / "train/dog/again.png")
    findings = check(folder, deep=False, judge=False)
    assert names(findings, findings.leaks) == ["test/cat/leak.png", "test/dog/mirrored.png"]
    assert names(findings, findings.early) == ["validation/cat/conflict.jpg"]
    first, second, third = findings.copies
    assert names(findings, first.rows) == ["train/cat/0.png", "test/cat/leak.png"]
    assert first.exact
    assert not first.mirror
    assert names(findings, second.rows) == [
        "train/dog/1.png", "validation/cat/conflict.jpg", "test/dog/mirrored.png",
    ]  # fmt: skip
    assert not second.exact
    assert second.mirror
    assert second.likeness > 0.98
    assert names(findings, third.rows) == ["train/dog/5.png", "train/dog/again.png"]
    assert findings.conflicts == (second,)
    assert findings.repeated == 4


def test_what_is_broken_is_left_out_and_the_rest_is_checked(folder):
    (folder / "train/cat/broken.png").write_bytes(b"GIF89a nothing")
    shutil.copyfile(folder / "train/cat/0.png", folder / "test/cat/leak.png")
    findings = check(folder, deep=False, judge=False)
    assert [one.name for one in findings.dataset.left_out] == ["train/cat/broken.png"]
    assert names(findings, findings.leaks) == ["test/cat/leak.png"]


def test_labels_of_digits_are_judged_and_the_effect_of_leaks_is_measured():
    digits = striate.data.open("digits")
    test = np.flatnonzero(digits.split == 2)
    train = np.flatnonzero(digits.split == 0)
    rows = np.concatenate([np.arange(len(digits)), train[:20]])  # twenty again, as test images
    data = digits.take(rows)
    data.split[-20:] = 2
    data.targets[test[:5]] = (data.targets[test[:5]] + 5) % 10
    findings = check(data)
    assert findings.judged
    suspects = {one.row for one in findings.suspects}
    assert len(suspects & set(test[:5].tolist())) >= 4
    assert findings.leaks.tolist() == list(range(len(digits), len(data)))
    assert findings.effect.leaking > findings.effect.clean
    assert 0.9 < findings.effect.clean < findings.effect.all


@pytest.mark.parametrize("view", [View(48), View(224, fraction=1.0), View(16, fit="squash")])
def test_the_quick_part_takes_the_pixels_that_are_there(folder, scene, view):
    shutil.copyfile(folder / "train/cat/0.png", folder / "test/cat/leak.png")
    with Image.open(folder / "validation/dog/1.png") as image:
        faded = Image.blend(image, scene(99), 0.08)  # a look of 0.996: too little for digits
        faded.resize((140, 117)).save(folder / "test/dog/leak.jpg")
    data = decode(striate.data.open(folder), [view])
    rows = glance(data).leaks
    expected = ["test/cat/leak.png", "test/dog/leak.jpg"]
    assert [data.dataset.images.name(row) for row in rows] == expected


def with_leaks(count):
    """Digits of which the first `count` of training stand in the test once more."""
    digits = striate.data.open("digits")
    train = np.flatnonzero(digits.split == 0)
    data = digits.take(np.concatenate([np.arange(len(digits)), train[:count]]))
    data.split[len(digits) :] = 2
    return digits, decode(data, [View(8, channels=1, fit="squash")])


def test_what_was_learned_from_is_not_scored_and_that_is_told():
    digits, data = with_leaks(20)
    found = trusted(data)
    assert len(found.dataset.test) == len(digits.test)
    assert len(found.dataset) == len(data.dataset)  # the pixels stay where they are
    assert found.dataset.counts().sum() == len(digits)
    assert found.pixels is data.pixels
    assert len(found.dataset.left_out) == 20
    assert {each.reason for each in found.dataset.left_out} == {"also learned from"}
    told = "20 of 379 test images (5.3 %) also stand in training or validation; not scored"
    assert found.dataset.notes[0] == told
    assert found.dataset.notes[-1] == "striate check digits shows which"


def test_leaks_are_scored_where_asked_and_that_is_told_too():
    _, data = with_leaks(1)
    found = trusted(data, keep_leaks=True).dataset
    assert len(found.test) == len(data.dataset.test)
    expected = "1 of 360 test images (0.28 %) also stands in training or validation, and is scored"
    assert found.notes[0] == expected


def test_nothing_is_said_of_a_clean_set():
    _, data = with_leaks(0)
    assert trusted(data).dataset.notes == data.dataset.notes
    assert trusted(data).dataset.split is data.dataset.split


def test_a_test_that_was_learned_whole_means_nothing():
    _, data = with_leaks(30)
    data.dataset.split[:-30][data.dataset.split[:-30] == 2] = 0
    with pytest.raises(striate.errors.DataError, match=r"30 of 30 test images .* mean anything"):
        trusted(data)


def test_real_photographs_with_copies_in_the_test(shared, tmp_path):
    place = shared("data/clothing")
    for split, take in (("train", 12), ("validation", 4), ("test", 4)):
        for label in ("hat", "shoes", "pants"):
            (tmp_path / split / label).mkdir(parents=True)
            for file in sorted((place / split / label).glob("*.jpg"))[:take]:
                shutil.copyfile(file, tmp_path / split / label / file.name)
    planted = set()
    for number, file in enumerate(sorted((tmp_path / "train").glob("*/*.jpg"))[::3]):
        copy = tmp_path / "test" / file.parent.name / f"copy-{number}.jpg"
        with Image.open(file) as image:
            image = ImageOps.mirror(image) if number % 2 else image
            image.resize((image.width // 2, image.height // 2)).save(copy, quality=50)
        planted.add(f"test/{file.parent.name}/{copy.name}")
    findings = check(tmp_path, deep=False, judge=False)
    assert set(names(findings, findings.leaks)) == planted


def test_the_check_of_nothing_is_refused(tmp_path):
    with pytest.raises(striate.errors.DataError, match="empty"):
        check(tmp_path)
