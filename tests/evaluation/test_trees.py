"""Classes of classes by pencil; files that are no trees."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.errors import DataError
from striate.evaluation import Tree, coarse_accuracy, hierarchical_error, open_tree

ANIMALS = Tree({
    "beagle": "dog", "poodle": "dog", "tabby": "cat", "dog": "animal", "cat": "animal",
    "animal": "thing", "car": "thing",
})  # fmt: skip
CLASSES = ("beagle", "poodle", "tabby", "car")


def test_paths():
    assert ANIMALS.root == "thing"
    assert ANIMALS.path("beagle") == ("thing", "animal", "dog", "beagle")
    assert ANIMALS.at_depth(CLASSES, 1) == ["animal", "animal", "animal", "car"]
    assert ANIMALS.at_depth(CLASSES, 2) == ["dog", "dog", "cat", "car"]


def test_heights_by_pencil():
    assert ANIMALS.height == {
        "beagle": 0, "poodle": 0, "tabby": 0, "car": 0, "dog": 1, "cat": 1, "animal": 2, "thing": 3,
    }  # fmt: skip
    assert ANIMALS.heights(CLASSES).tolist() == [
        [
            0,
            1,
            2,
            3,
        ],  # with a poodle it is a dog (1), with a tabby an animal (2), with a car a thing
        [1, 0, 2, 3],
        [2, 2, 0, 3],
        [3, 3, 3, 0],  # a car is one step below thing, whose deepest leaf is three below
    ]
    assert ANIMALS.heights(("animal", "dog", "beagle")).tolist() == [
        [0, 2, 2],
        [2, 0, 1],
        [2, 1, 0],
    ]


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=30))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_heights_are_those_of_the_lowest_common_ancestor(draws):
    """Class k hangs below one of 0 to k - 1; the definition of ImageNet's challenge, by loops."""
    tree = Tree({str(k): str(draw % k) for k, draw in enumerate(draws, 1)})
    classes = [str(k) for k in range(len(draws) + 1)]
    found = tree.heights(classes)
    for row, first in enumerate(classes):
        for column, second in enumerate(classes):
            here = first
            while here not in tree.path(second):
                here = tree.above[here]
            below = [
                len(tree.path(k)) - len(tree.path(here)) for k in classes if here in tree.path(k)
            ]
            assert found[row, column] == (0 if first == second else max(below))


def test_the_hierarchical_error_of_each_image():
    answers = np.array([[0.7, 0.1, 0.1, 0.1]] * 4 + [[np.nan] * 4], np.float32)  # always a beagle
    found = hierarchical_error(answers, np.array([0, 1, 2, 3, 0]), CLASSES, ANIMALS)
    assert found.tolist() == [0, 1, 2, 3, 3]


def test_coarse_accuracy_adds_what_lies_below():
    probabilities = np.array([
        [0.3, 0.3, 0.4, 0.0],  # a beagle, called tabby; but 0.6 of it is a dog
        [0.1, 0.1, 0.2, 0.6],  # a tabby, called car
    ], np.float32)  # fmt: skip
    nothing = coarse_accuracy(probabilities * np.nan, np.array([0, 2]), CLASSES, ANIMALS)
    assert [row["top1"] for row in nothing] == [0, 0, 0]
    rows = coarse_accuracy(probabilities, np.array([0, 2]), CLASSES, ANIMALS)
    assert rows == [
        {"depth": 1, "classes": 2, "top1": 0.5},
        {"depth": 2, "classes": 3, "top1": 0.5},
        {"depth": 3, "classes": 4, "top1": 0.0},
    ]


def test_both_forms_of_file(tmp_path):
    ours = tmp_path / "ours.txt"
    ours.write_text("# kinds\nbeagle\tdog\n\nfire truck\tcar\ndog\tthing\ncar\tthing\n")
    assert open_tree(ours).path("fire truck") == ("thing", "car", "fire truck")
    wordnet = tmp_path / "wordnet.is_a.txt"
    wordnet.write_text("n02084071 n02088364\nn00015388 n02084071\n")
    assert open_tree(wordnet).path("n02088364") == ("n00015388", "n02084071", "n02088364")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tb\tc\n", "line 1: expected 'class<tab>class above it'"),
        ("a\t\n", "line 1"),
        ("", "no class in it"),
        ("a\tb\nb\ta\n", "in a circle: a < b < a"),
        ("a\tb\nb\tc\nc\tb\n", "in a circle"),
        ("a\tb\nc\td\n", "one root, not 2: 'b', 'd'"),
        ("a\tb\na\tc\n", "line 2: 'a' lies below 'b' and 'c'"),
    ],
)
def test_what_is_no_tree(tmp_path, text, message):
    path = tmp_path / "tree.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        open_tree(path)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(DataError, match="a class tree cannot be read there"):
        open_tree(tmp_path / "absent.txt")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="a class tree cannot be read there"):
        open_tree(tmp_path / "binary")


def test_classes_that_the_tree_does_not_hold():
    with pytest.raises(DataError, match="does not hold 'lamp'; add a line 'lamp<tab>"):
        ANIMALS.heights(("beagle", "lamp"))
