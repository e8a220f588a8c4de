"""What numbers and colors of masks mean."""

import numpy as np
import pytest

from striate.data.mask_classes import Legend, legend_of, of_colors, of_numbers, parsed
from striate.data.masks import VOID
from striate.data.walking import walk
from striate.errors import DataError

NONE = Legend()
NAMES = Legend("classes.txt", {0: "sky", 1: "road", 2: "void (not counted)", 3: "never seen"})


def counts(**pixels):
    found = np.zeros(256, np.int64)
    for value, count in pixels.items():
        found[int(value[1:])] = count
    return found


def meaning(found, legend=NONE, folders=("masks",), blurred=False):
    return of_numbers(found, legend, folders, blurred=blurred, name="set")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("0 sky\n1 traffic light\n", {0: "sky", 1: "traffic light"}),
        ("index,name,group\n0,null,0\n1,bag,7", {0: "null", 1: "bag"}),
        (" Pixel Value, Class\n 0, background\n 1, crack", {0: "background", 1: "crack"}),
        ("\ufeffcat\r\n\r\n# a remark\r\ndog", {0: "cat", 1: "dog"}),
        ("class\tid\nsky\t0\nroad\t1", {0: "sky", 1: "road"}),
    ],
)
def test_lists_of_names(text, numbers):
    assert parsed(text) == (numbers, {})


@pytest.mark.parametrize(
    "text",
    [
        "64 128 64\tAnimal\n0 0 0 \tVoid",
        "name,r,g,b\nAnimal,64,128,64\nVoid,0,0,0",
        "# label:color_rgb:parts:actions\nAnimal:64,128,64::\nVoid:0,0,0::",
    ],
)
def test_lists_of_colors(text):
    assert parsed(text) == ({}, {(64, 128, 64): "Animal", (0, 0, 0): "Void"})


def test_two_numbers_are_background_and_foreground():
    for value in (1, 128, 255):
        found = meaning(counts(v0=5, **{f"v{value}": 3}))
        assert found.names == ("background", "foreground")
        assert found.numbers == {0: 0, value: 1}


def test_255_is_void_among_more():
    found = meaning(counts(v0=5, v1=3, v7=1, v255=2))
    assert found.names == ("0", "1", "7")
    assert found.numbers == {0: 0, 1: 1, 7: 2, 255: VOID}


def test_a_few_grays_at_an_edge_do_not_make_the_object_void():
    found = meaning(counts(v0=900, v96=1, v128=1, v255=300))
    assert (found.names, found.threshold) == (("background", "foreground"), 128)
    assert "128" in found.notes[0]


def test_rare_classes_beside_much_void_stay_classes():
    found = meaning(counts(v0=900, v1=1, v2=1, v255=300))
    assert (found.names, found.threshold, found.notes) == (("0", "1", "2"), None, ())


def test_255_is_a_class_where_the_list_names_it():
    named = Legend("classes.txt", {0: "sea", 7: "land", 255: "ship"})
    found = meaning(counts(v0=5, v7=3, v255=2), named)
    assert found.names == ("sea", "land", "ship")
    assert found.numbers == {0: 0, 7: 1, 255: 2}
    named = Legend("classes.txt", {0: "sea", 7: "land", 255: "void"})
    assert meaning(counts(v0=5, v7=3, v255=2), named).numbers[255] == VOID
    every = Legend("classes.txt", {number: str(number) for number in range(256)})
    with pytest.raises(DataError, match="names 256 classes that masks hold; at most 254 fit"):
        meaning(np.ones(256, np.int64), every)


def test_shades_of_which_255_is_void_are_told():
    found = meaning(counts(v0=900, v128=300, v255=300))
    assert found.names == ("0", "128")
    assert "255 in masks is void" in found.notes[0]


def test_names_by_number_and_void_by_name():
    found = meaning(counts(v0=5, v1=3, v2=1), NAMES)
    assert found.names == ("sky", "road")
    assert found.numbers == {0: 0, 1: 1, 2: VOID, VOID: VOID}


def test_voc_and_trimaps_are_known():
    found = meaning(counts(v0=9, v15=3, v255=1), folders=("SegmentationClass",))
    assert found.names == ("background", "person")
    assert found.numbers[255] == VOID
    assert meaning(counts(v1=3, v2=9, v3=1), folders=("annotations", "trimaps")).numbers == {
        1: 1, 2: 0, 3: VOID,
    }  # fmt: skip


def test_smoothed_masks_of_two_values_are_split_in_the_middle():
    found = counts(v0=500, v255=490) + np.ones(256, np.int64) * 0
    found[100:110] = 1
    assert meaning(found, blurred=True).threshold == 128
    assert "smoothed" in meaning(found, blurred=True).notes[0]


def test_jpegs_of_many_classes_are_refused():
    with pytest.raises(DataError, match="JPEGs or WebP with loss, which changes class"):
        meaning(counts(v0=5, v1=3, v2=2), blurred=True)


def test_one_value_is_nothing_to_learn():
    with pytest.raises(DataError, match="every pixel of its masks is 7; at least two"):
        meaning(counts(v7=10))


def test_a_list_of_other_numbers_is_refused():
    with pytest.raises(DataError, match="hold none of their numbers, but 9, 10"):
        meaning(counts(v9=1, v10=1), NAMES)


def test_colors_by_a_list():
    legend = Legend("label_colors.txt", {}, {(1, 2, 3): "sky", (4, 5, 6): "void", (7, 8, 9): "x"})
    found = of_colors({(1, 2, 3): 5, (9, 9, 9): 1}, legend, name="set")
    assert found.names == ("sky",)
    assert found.colors == {(1, 2, 3): 0, (4, 5, 6): VOID, (7, 8, 9): VOID}


def test_colors_of_voc_and_colors_without_names():
    found = of_colors({(0, 0, 0): 5, (128, 0, 0): 1, (224, 224, 192): 1}, Legend(), name="set")
    assert found.names == ("background", "aeroplane")
    assert found.colors[224, 224, 192] == VOID
    found = of_colors({(0, 0, 0): 5, (1, 0, 255): 1}, Legend(), name="set")
    assert found.names == ("background", "#0100ff")


def test_blended_colors_are_refused():
    with pytest.raises(DataError, match="100 colors or more"):
        of_colors({(k, 0, 1): 1 for k in range(100)}, Legend(), name="set")


def test_what_is_too_long_for_a_list_of_classes_names_none():
    long, many = "a" * 1_000_000, "\n".join(f"class {number}" for number in range(2_000))
    assert parsed(long) == parsed(many) == ({}, {})


def test_a_list_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "classes.txt").write_bytes(b"0 sky\n" * 200_000)
    left_out = []
    assert legend_of(tmp_path, walk(tmp_path), left_out) == Legend()
    (one,) = left_out
    assert one.name == "classes.txt"
    assert "1,200,000" in one.reason or "bytes" in one.reason


def test_numbers_of_one_name_are_one_class():
    names = Legend("classes.txt", {0: "ground", 1: "cat", 2: "cat"})
    found = meaning(counts(v0=5, v1=3, v2=3), names)
    assert found.names == ("ground", "cat")
    assert [found.numbers[value] for value in range(3)] == [0, 1, 1]


def test_very_many_numbers_without_a_list_are_told():
    found = meaning(counts(**{f"v{value}": 9 for value in range(100)}))
    assert len(found.names) == 100
    assert "if they number single objects" in found.notes[0]
