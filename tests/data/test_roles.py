"""What names say: whole words, never parts of words."""

import pytest

from striate.data.roles import idle, role, roles, split_of_cell, unlabeled


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", 0),
        ("TRAIN", 0),
        ("Training_Set", 0),
        ("trainImages", 0),
        ("train2017", 0),
        ("trainval", 0),
        ("train_val", 0),
        ("seg_train", 0),
        ("valid", 1),
        ("val-data", 1),
        ("dev", 1),
        ("devset", 1),
        ("test", 2),
        ("testing data", 2),
        ("eval", 2),
        ("hold-out", 2),
        ("holdout_images", 2),
        (" test ", 2),
        ("test1", 2),
        ("train_station", None),
        ("contest", None),
        ("value", None),
        ("testament", None),
        ("test_tube", None),
        ("detrain", None),
        ("validity", None),
        ("train_test", None),
        ("", None),
        ("devil", None),
        ("trains", None),
    ],
)
def test_splits(name: str, split: int | None) -> None:
    assert role(name) == split


def test_names_beside_each_other() -> None:
    assert roles(["flowers_train", "flowers_val", "x"]) == {"flowers_train": 0, "flowers_val": 1}
    assert roles(["steam_train", "test_tube"]) == {}
    assert roles(["train", "pets_test"]) == {"train": 0}  # nothing shows that the other is a split


def test_files_cells_and_idle_words() -> None:
    assert role("instances_train2017", file=True) == 0
    assert role("instances_train2017") is None
    assert [split_of_cell(cell) for cell in ("Dev", "", "week 1", "TEST")] == [1, None, None, 2]
    assert unlabeled("seg_pred")
    assert not unlabeled("spread")
    assert idle("train_images_256")
    assert not idle("cats")
