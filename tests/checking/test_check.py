"""The whole check of small folders whose faults are known; the quick part before a score."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageOps

import striate
from striate.checking import check, glance, removed, summary, trusted
from striate.data import decode
from striate.images import View


def names(findings, rows):
    return [findings.dataset.inputs.name(row) for row in rows]


def test_a_sound_folder(folder):
    findings = check(folder, deep=False, judge=False)
    assert findings.sound, summary(findings)
    assert not removed(findings)


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
    data.targets.numbers[test[:5]] = (data.targets.numbers[test[:5]] + 5) % 10
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
    assert [data.dataset.inputs.name(row) for row in rows] == expected


def with_leaks(count):
    """Digits of which the first `count` of training stand in the test once more."""
    digits = striate.data.open("digits")
    train = np.flatnonzero(digits.split == 0)
    data = digits.take(np.concatenate([np.arange(len(digits)), train[:count]]))
    data.split[len(digits) :] = 2
    data = replace(data, drawn=frozenset())  # as a folder that has its splits
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


# Copies when splits are drawn, and when the folder has them


def flat(tmp_path, scene, count=12):
    """Two classes of so many different pictures, each three times: as it is, smaller, mirrored."""
    for number in range(2 * count):
        place = tmp_path / "flat" / ("cat", "dog")[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        image = scene(number)
        image.save(place / f"{number}.png")
        image.resize((48, 40)).save(place / f"small {number}.png")
        ImageOps.mirror(image).save(place / f"turned {number}.png")
    return tmp_path / "flat"


def together(dataset):
    """Whether the three of every picture are in one split."""
    places = {}
    for row in range(len(dataset)):
        number = dataset.inputs.name(row).split("/")[1].split(".")[0].split(" ")[-1]
        places.setdefault(number, set()).add(int(dataset.split[row]))
    return all(len(splits) == 1 for splits in places.values())


def test_copies_are_in_one_split_where_striate_draws_it(tmp_path, scene):
    data = decode(striate.data.open(flat(tmp_path, scene)), [View(48)])
    assert not together(data.dataset)
    found = trusted(data).dataset
    assert together(found)
    assert found.left_out == ()
    assert [abs(n - m) <= 4 for n, m in zip(found.counts().sum(0), (48, 12, 14), strict=True)]
    assert (found.counts() > 0).all()
    assert found.notes[0].startswith("copies of one picture stay in one split: validation and test")
    for seed in range(5):
        assert together(found.redraw(seed))
    again = trusted(decode(striate.data.open(flat(tmp_path, scene)), [View(48)])).dataset
    assert again.split.tolist() == found.split.tolist()


def test_a_set_without_copies_keeps_its_draw(tmp_path, scene):
    for number in range(20):
        place = tmp_path / "set" / ("cat", "dog")[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        scene(number).save(place / f"{number}.png")
    data = decode(striate.data.open(tmp_path / "set"), [View(48)])
    assert trusted(data).dataset.split is data.dataset.split


def test_validation_images_that_are_learned_from_choose_nothing(folder):
    for number in range(2):
        shutil.copyfile(
            folder / f"train/cat/{number}.png", folder / f"validation/cat/x{number}.png"
        )
    found = trusted(decode(striate.data.open(folder), [View(48)])).dataset
    assert len(found.validation) == 8
    assert [(each.name, each.reason) for each in found.left_out] == [
        (f"validation/cat/x{number}.png", "also in training: not chosen on") for number in range(2)
    ]
    assert found.notes[0] == (
        "2 of 10 validation images also stand in training; nothing is chosen on them"
    )


def test_a_validation_folder_that_is_a_copy_of_training_is_replaced(folder):
    shutil.rmtree(folder / "validation")
    shutil.copytree(folder / "train", folder / "validation")
    found = trusted(decode(striate.data.open(folder), [View(48)])).dataset
    assert found.drawn == {"validation"}
    names_of = {found.inputs.name(row) for row in np.flatnonzero(found.split == 1)}
    assert names_of
    assert all(name.startswith("train/") for name in names_of)
    assert "others were drawn to choose on" in found.notes[0]


def test_arrows_to_the_left_and_to_the_right_are_no_copies(tmp_path, scene):
    for number in range(8):
        for split in ("train", "validation", "test") if number < 6 else ("train",):
            for label in ("left", "right"):
                (tmp_path / split / label).mkdir(parents=True, exist_ok=True)
        split = "train" if number < 4 else ("validation", "test")[number % 2]
        image = scene(number)
        image.save(tmp_path / split / "left" / f"{number}.png")
        ImageOps.mirror(image).save(
            tmp_path / ("test" if split == "train" else "train") / "right" / f"{number}.png"
        )
    findings = check(tmp_path, deep=False, judge=False)
    assert not findings.copies
    assert not findings.conflicts
    data = trusted(decode(striate.data.open(tmp_path), [View(48)])).dataset
    assert data.left_out == ()


def test_the_same_picture_under_two_labels_is_a_conflict_although_it_is_symmetric(tmp_path, scene):
    image = scene(1)
    image = Image.blend(image, ImageOps.mirror(image), 0.475)  # nearly its own mirror image
    for label in ("left", "right"):
        (tmp_path / label).mkdir()
        image.save(tmp_path / label / "same.jpg", quality=80)
        image = ImageOps.mirror(image)
        for number in range(3):
            scene(10 * len(label) + number).save(tmp_path / label / f"{number}.png")
    assert len(check(tmp_path, deep=False, judge=False).conflicts) == 1
