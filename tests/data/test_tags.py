"""Pictures of several classes: how lists say so, and what a set of them knows of itself."""

import numpy as np
import pytest

import striate.data
from striate.data import SPLITS, Tags

PATHS = [f"photos/{number}.png" for number in range(20)]


def tagged(number: int) -> list[str]:
    """Every other picture has a hat, every third a bag, and so some have neither."""
    return ["hat"] * (number % 2 == 0) + ["bag"] * (number % 3 == 0)


@pytest.fixture
def written(tree):
    """`written(heading, cell)` is a list of twenty pictures; `cell` makes a line's last cells."""

    def write(heading: str, cell):
        rows = [f"{path},{cell(number)}" for number, path in enumerate(PATHS)]
        text = "\n".join([heading, *rows])
        return tree(*PATHS, **{"list.csv": text.encode()}) / "list.csv"

    return write


FORMS = {
    "semicolons": ("path,tags", lambda k: ";".join(tagged(k))),
    "bars": ("path,tags", lambda k: " | ".join(tagged(k))),
    "commas": ("path,tags", lambda k: '"' + ",".join(tagged(k)) + '"'),
    "blanks": ("path,tags", lambda k: " ".join(tagged(k))),
    "lists": ("path,tags", lambda k: '"' + str(tagged(k)) + '"'),
    "JSON": ("path,tags", lambda k: '"' + str(tagged(k)).replace("'", '""') + '"'),
    "columns": ("path,bag,hat", lambda k: f"{int('bag' in tagged(k))},{int('hat' in tagged(k))}"),
    "signs": (
        "path,bag,hat",
        lambda k: ",".join("1" if name in tagged(k) else "-1" for name in ("bag", "hat")),
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_tags(written, form: str) -> None:
    data = striate.data.open(written(*FORMS[form]))
    assert isinstance(data.targets, Tags)
    assert data.classes == ("bag", "hat")
    assert len(data) == 20
    for row in range(20):
        number = int(data.inputs.name(row).split("/")[1].split(".")[0])
        assert data.targets.words(row) == (
            ", ".join(sorted(tagged(number))) or "none of the classes"
        )


def test_the_separator_that_was_read_is_told(written) -> None:
    notes = striate.data.open(written(*FORMS["semicolons"])).notes
    assert "several classes in a label are separated by ';'" in notes


def test_minus_one_beside_zero_is_unknown(written) -> None:
    path = written("path,bag,hat", lambda k: "-1,1" if k == 0 else f"{k % 2},{k % 3 // 2}")
    data = striate.data.open(path)
    assert any(note.startswith("-1 is taken for unknown") for note in data.notes)
    row = next(k for k in range(20) if data.inputs.name(k).endswith("/0.png"))
    assert data.targets.numbers[row].tolist() == [-1, 1]


def test_groups_stay_in_one_split(written) -> None:
    path = written("path,tags,patient", lambda k: f"{';'.join(tagged(k))},p{k // 4}")
    data = striate.data.open(path)
    by_group: dict[str, set[int]] = {}
    for row in range(20):
        number = int(data.inputs.name(row).split("/")[1].split(".")[0])
        by_group.setdefault(f"p{number // 4}", set()).add(int(data.split[row]))
    assert all(len(splits) == 1 for splits in by_group.values())
    assert set(data.split.tolist()) == {0, 1, 2}
    assert any("5 groups of images" in note for note in data.notes)


def test_groups_that_the_list_itself_splits_are_named(written) -> None:
    path = written(
        "path,label,video,split",
        lambda k: f"{'cat' if k % 2 else 'dog'},v{k // 2},{SPLITS[0] if k % 4 else SPLITS[2]}",
    )
    notes = striate.data.open(path).notes
    assert "5 of 10 groups in several splits" in " ".join(notes), notes


def test_rare_classes_are_named_and_those_without_training_are_not_learned() -> None:
    numbers = np.zeros((40, 4), np.int8)
    numbers[:30, 0] = 1
    numbers[:5, 1] = 1
    numbers[:2, 2] = 1
    numbers[:, 3] = 1
    tags = Tags(("often", "seldom", "twice", "always"), numbers)
    split = np.zeros(40, np.int8)
    assert tags.learned(split).tolist() == [True, True, False, False]
    (note,) = tags.learnable(split, name="set", drawn=False)
    assert note.endswith("seldom (5)")
    facts = tags.facts(split)
    assert any("in every input" in remark and "always" in remark for remark in facts.remarks)


def test_classes_that_always_go_together_are_doubted() -> None:
    numbers = np.zeros((40, 3), np.int8)
    numbers[:12, :2] = 1
    numbers[:20, 2] = 1
    split = np.repeat(np.array([0, 2], np.int8), 20)
    facts = Tags(("arm", "hand", "head"), numbers).facts(split)
    assert "always together, so they may be one class: arm and hand" in facts.faults
    assert any(fault.startswith("in no test input") for fault in facts.faults)


def test_strata_are_the_rarest_class() -> None:
    tags = Tags(("a", "b"), np.array([[1, 1], [1, 0], [0, 0]], np.int8))
    assert tags.strata().tolist() == [1, 0, 2]
