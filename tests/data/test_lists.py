"""Lists of paths and labels, as spreadsheets and scripts write them."""

import pytest

from striate.data.lists import open_list
from striate.errors import DataError

PATHS = [f"{name}/{number}.png" for name in ("cat", "dog") for number in range(5)]


@pytest.fixture
def written(tree):
    """`written(text)` is a list with that text (or bytes) beside ten pictures."""

    def write(text: str | bytes, name: str = "list.csv"):
        data = text if isinstance(text, bytes) else text.encode()
        return tree(*PATHS, **{name: data}) / name

    return write


def lines(form: str = "{path},{label}", heading: str = "") -> str:
    rows = [form.format(path=path, label=path[:3]) for path in PATHS]
    return "\n".join([heading, *rows] if heading else rows) + "\n"


@pytest.mark.parametrize(
    "text",
    [
        lines(),
        lines(heading="path,label"),
        lines("{label},{path}", heading="Class,Filename"),
        lines("7,{path},x,{label}", heading="id,image,comment,category"),
        lines("{path};{label}"),
        lines("{path}\t{label}", heading="path\tlabel"),
        lines('"{path}","{label}"'),
        lines(" {path} , {label} "),
        "\ufeff" + lines(heading="path,label"),
        lines(heading="path,label").replace("\n", "\r\n"),
        lines().replace("/", "\\"),
        lines() + "\n,\n\n",
        lines().encode("utf-16"),
    ],
)
def test_every_form_of_list_is_the_same_set(written, text):
    data = open_list(written(text), seed=0)
    assert data.classes == ("cat", "dog")
    assert data.counts().sum(1).tolist() == [5, 5]
    assert data.drawn == {"test", "validation"}
    assert data.images[0].shape == (8, 8, 3)
    assert data.left_out == ()


def test_a_third_column_is_the_split(written):
    words = ["train", "Training", "val", "dev", "TEST"] * 2
    text = "".join(f"{path},{path[:3]},{word}\n" for path, word in zip(PATHS, words, strict=True))
    data = open_list(written(text), seed=0)
    assert data.drawn == frozenset()
    assert data.counts().tolist() == [[2, 2, 1], [2, 2, 1]]


def test_missing_files_are_left_out(written):
    data = open_list(written(lines() + "cat/none.png,cat\n"), seed=0)
    assert [(each.name, each.reason) for each in data.left_out] == [
        ("cat/none.png", "no such file")
    ]
    assert len(data) == 10


def test_a_line_twice_is_one_image(written):
    data = open_list(written(lines() + "cat/0.png,cat\ncat/0.png,cat\n"), seed=0)
    assert len(data) == 10
    assert data.notes == ("2 lines repeat an earlier one",)


def test_absolute_paths(written):
    path = written(lines())
    text = "".join(f"{path.parent / name},{name[:3]}\n" for name in PATHS)
    assert open_list(written(text), seed=0).images[3].shape == (8, 8, 3)


def test_what_is_no_utf8_is_read_as_windows_writes_it(written):
    data = open_list(written(lines().replace(",cat", ",café").encode("cp1252")), seed=0)
    assert data.classes == ("café", "dog")
    assert data.notes == ("list.csv is no UTF-8; it was read as Windows-1252",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty; expected path,label"),
        ("path,label\n", "none of its 0 images exists"),
        ("a,b,c\n1,2,3\n", "the first line names no path and label columns ('a', 'b', 'c')"),
        ("image,year\ncat/0.png,1\n", "the first line names no path and label columns"),
        ("cat/0.png\n", "1 columns; expected path,label or path,label,split"),
        ("cat/0.png,cat\ndog/1.png\n", "line 2: 1 columns"),
        ("cat/0.png,cat\ndog/1.png,\n", "line 2: no label"),
        ("cat/0.png,cat,train\ndog/1.png,dog,holdout\n", "line 2: split 'holdout'; it must be one"),
        ("cat/0.png,cat\ncat/0.png,dog\n", "line 2: 'cat/0.png' is listed before with another"),
        ("cat/0.png,cat\ncat/1.png,cat\n", "one class only ('cat')"),
        ("a/0.png,cat\na/1.png,dog\n", "none of its 2 images exists, relative to"),
        ("cat/0.png,cat,train\ndog/0.png,dog,test\n", "no training image of dog"),
        (b"\x00\xff\x00", "not a text file"),
        ("cat/\0.png,cat\n", "the path holds a zero byte"),
        ("cat/0.png,cat\n" + "x" * 200_000 + ",dog\n", "line 2: field larger than field limit"),
    ],
)
def test_what_cannot_be_read_is_one_clear_line(written, text, words):
    with pytest.raises(DataError) as caught:
        open_list(written(text), seed=0)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
