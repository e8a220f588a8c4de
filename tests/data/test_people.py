"""Pictures of persons: pairs, lists of pairs, folders; splits are of persons."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from striate.data import open as open_data
from striate.data.people import People, drawn_pairs
from striate.errors import DataError


def picture(path: Path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(value).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def persons(root: Path, counts: dict[str, int]) -> None:
    for name, count in counts.items():
        for number in range(1, count + 1):
            picture(root / name / f"{name}_{number:04d}.png", hash((name, number)) % 2**31)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    persons(tmp_path, {f"p{number}": 2 for number in range(12)} | {"single": 1})
    return tmp_path


def test_a_split_never_parts_a_person(folder: Path):
    data = open_data(folder, kinds=["people"])
    for number in np.unique(data.targets.numbers):
        assert len(set(data.split[data.targets.numbers == number].tolist())) == 1
    assert {0, 1, 2} == set(data.split.tolist())
    assert any("splits are of persons" in note for note in data.notes)


def test_given_splits_that_share_a_person_are_not_used(tmp_path: Path):
    for part in ("train", "test"):
        persons(tmp_path / part, {f"p{number}": 2 for number in range(16)})
    data = open_data(tmp_path, kinds=["people"])
    assert any("share 16 persons" in note for note in data.notes)
    assert data.targets.facts(data.split).values["straddling"] == []


def test_facts_name_persons_with_one_picture_and_those_in_two_splits():
    people = People.of(["a", "a", "b"])
    facts = people.facts(np.array([0, 2, 0], np.int8))
    assert facts.values["single"] == ["b"]
    assert facts.values["straddling"] == ["a"]
    assert "1 persons are in several splits: a" in facts.faults[0]


def test_as_many_pairs_of_two_as_of_one():
    numbers = np.repeat(np.arange(5), 3)
    pairs = drawn_pairs(numbers, np.arange(15))
    assert pairs.same.sum() == 15  # of three pictures, three pairs a person
    assert (~pairs.same).sum() == 15
    assert (pairs.same == (numbers[pairs.first] == numbers[pairs.second])).all()


def test_pairs_do_not_depend_on_the_order_of_rows():
    people = People.of(["a", "a", "b", "b", "c", "c"])
    rows = np.array([4, 0, 3, 5, 1, 2])
    plain, moved = people.pairs(np.arange(6)), people.take(rows).pairs(np.arange(6))
    assert {frozenset(pair) for pair in zip(rows[moved.first], rows[moved.second], strict=True)} \
        == {frozenset(pair) for pair in zip(plain.first, plain.second, strict=True)}  # fmt: skip


def listed(root: Path, lines: list[str], name: str = "pairs.csv") -> Path:
    (root / name).write_text("\n".join(lines) + "\n")
    return root / name


def test_folds_of_a_list_are_its_splits(tmp_path: Path):
    lines = ["fold,a,b,same"]
    for fold in range(4):
        one, two = f"x{fold}", f"y{fold}"
        persons(tmp_path, {one: 2, two: 2})
        lines += [f"{fold},{p}/{p}_0001.png,{p}/{p}_0002.png,1" for p in (one, two)]
        lines.append(f"{fold},{one}/{one}_0001.png,{two}/{two}_0001.png,0")
    data = open_data(listed(tmp_path, lines))
    assert np.bincount(data.split).tolist() == [8, 4, 4]
    test = data.targets.pairs(np.flatnonzero(data.split == 2))
    assert (test.same.sum(), (~test.same).sum()) == (2, 1)
    assert set(test.fold.tolist()) == {3}


def test_lfws_own_list(tmp_path: Path):
    persons(tmp_path / "lfw", {"Ann": 3, "Bob": 2, "Cy": 2, "Di": 2, "Ed": 2, "Flo": 2})
    lines = ["3\t1", "Ann\t1\t3", "Ann\t2\tBob\t1", "Cy\t1\t2", "Cy\t1\tDi\t1",
             "Ed\t1\t2", "Ed\t1\tFlo\t1"]  # fmt: skip
    data = open_data(listed(tmp_path, lines, "pairs.txt"), learn=False)
    names = [data.inputs.name(row) for row in range(len(data))]
    assert "lfw/Ann/Ann_0003.png" in names
    assert "lfw/Ann/Ann_0002.png" in names
    assert data.targets.protocol is not None
    truth_and_fold = data.targets.protocol[:, 2:4].tolist()
    assert truth_and_fold == [[1, 0], [0, 0], [1, 1], [0, 1], [1, 2], [0, 2]]


def test_numbers_too_long_to_count_anything_are_no_list_of_pairs(tmp_path: Path):
    persons(tmp_path, {"Ann": 2, "Bob": 2})
    lines = ["9" * 5000, "Ann\t1\t2", "Ann\t1\tBob\t1"]
    with pytest.raises(DataError):
        open_data(listed(tmp_path, lines, "pairs.txt"))


def test_a_list_that_contradicts_its_folders_is_refused(tmp_path: Path):
    persons(tmp_path, {"a": 2, "b": 1})
    path = listed(tmp_path, ["a,b,same", "a/a_0001.png,b/b_0001.png,1"])
    with pytest.raises(DataError, match=r"1 of 1 pair does not agree .*pairs\.csv:2"):
        open_data(path)


def in_folds(root: Path, folds: list[str], extra: list[str], heading: str = "fold") -> list[str]:
    """A list with a pair of one person and one of two in each fold, then further lines; of each
    fold there are the persons `x` and `y` with its number."""
    lines = [f"{heading},a,b,same"]
    for number, fold in enumerate(folds):
        one, two = f"x{number}", f"y{number}"
        persons(root, {one: 2, two: 1})
        lines.append(f"{fold},{one}/{one}_0001.png,{one}/{one}_0002.png,1")
        lines.append(f"{fold},{one}/{one}_0001.png,{two}/{two}_0001.png,0")
    return lines + extra


@pytest.mark.parametrize(
    ("folds", "extra", "note"),
    [
        (["only"] * 4, [], "its only fold is not used"),
        (["1", "2"] * 2, [], "its 2 folds are not used"),
        (list("abcd"), ["c,x0/x0_0001.png,x1/x1_0001.png,0"], "its folds share 2 persons and are"),
    ],
)
def test_folds_that_are_not_used_are_told(
    tmp_path: Path, folds: list[str], extra: list[str], note: str
):
    data = open_data(listed(tmp_path, in_folds(tmp_path, folds, extra)), learn=False)
    assert any(note in each for each in data.notes)
    assert data.targets.facts(data.split).values["straddling"] == []


def test_folds_are_told_by_their_names_in_natural_order(tmp_path: Path):
    data = open_data(listed(tmp_path, in_folds(tmp_path, ["10", "9", "2", "1"], [])), learn=False)
    assert any("'10' is scored, '9' is chosen on" in note for note in data.notes)
    scored = {data.targets.people[k] for k in data.targets.numbers[data.split == 2]}
    assert scored == {"x0", "y0"}


def test_a_column_of_splits_is_used(tmp_path: Path):
    words = ["train", "train", "val", "test"]
    data = open_data(listed(tmp_path, in_folds(tmp_path, words, [], "split")), learn=False)
    assert np.bincount(data.split).tolist() == [6, 3, 3]
    assert not data.notes


def test_pairs_that_cannot_be_used_are_named(tmp_path: Path):
    extra = [
        "d,x3/x3_0001.png,x3/x3_0001.png,1",
        "d,../elsewhere/x3/x3_0002.png,x3/x3_0001.png,1",  # never outside; here the pair of line 8
        "d,x3/x3_0001.png,x3/x3_0009.png,1",
        ",x3/x3_0001.png,y2/y2_0001.png,0",
    ]
    data = open_data(listed(tmp_path, in_folds(tmp_path, list("abcd"), extra)), learn=False)
    assert {each.name: each.reason for each in data.left_out} == {
        "pairs.csv:10": "both are the same picture",
        "pairs.csv:11": "the same pair as pairs.csv:8",
        "pairs.csv:12": "x3/x3_0009.png: no such file",
        "pairs.csv:13": "no fold",
    }
    assert len(data.targets.pairs(np.arange(len(data)))) == 8
