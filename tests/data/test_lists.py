"""Lists of paths and labels, as spreadsheets and scripts write them."""

import os

import pytest

import striate.data
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
    assert data.inputs[0].shape == (8, 8, 3)
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
    assert data.notes == ("2 lines that repeat an earlier one",)


def test_absolute_paths(written):
    path = written(lines())
    text = "".join(f"{path.parent / name},{name[:3]}\n" for name in PATHS)
    assert open_list(written(text), seed=0).inputs[3].shape == (8, 8, 3)


def test_what_is_no_utf8_is_read_as_windows_writes_it(written):
    data = open_list(written(lines().replace(",cat", ",café").encode("cp1252")), seed=0)
    assert data.classes == ("café", "dog")
    assert data.notes == ("list.csv is not UTF-8; it was read as Windows-1252",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty; expected path,label"),
        ("path,label\n", "empty; expected path,label"),
        ("a,b,c\n1,2,3\n", "the first line names no path and label columns ('a', 'b', 'c')"),
        ("image,year\ncat/0.png,1\n", "the first line names no label column ('image', 'year')"),
        ("cat/0.png\n", "1 column ('cat/0.png'); expected path,label or path,label,split"),
        ("a/0.png,cat\na/1.png,dog\n", "none of its 2 images exists, relative to"),
        ("a.png,cat,week 1\nb.png,dog,week 2\n", "split 'week 1', 'week 2'"),
        (
            "path,cat,dog\ncat/0.png,1,1\ndog/0.png,0,1\n",
            "1 line with several 1s, which names several",
        ),
        (
            "path,label\ncat/0.png,a|b\ndog/0.png,a\n",
            "labels like 'a|b', which names several classes",
        ),
        (b"\x00\xff\x00", "not a text file"),
        ("cat/0.png,cat\n" + "x" * 200_000 + ",dog\n", "line 2: field larger than field limit"),
        ("x,y\n" * 3, "the first line names no path and label columns ('x', 'y')"),
    ],
)
def test_what_cannot_be_read_is_one_clear_line(written, text, words):
    with pytest.raises(DataError) as caught:
        open_list(written(text), seed=0)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "name", "reason"),
    [
        ("dog/1.png", "dog/1.png", "line 11 has no label"),
        ("dog/9.png,", "dog/9.png", "line 11 has no label"),
        ("dog/9.png,nan", "dog/9.png", "line 11 has no label"),
        (",dog", "line 11", "has no path"),
        ("cat/\0.png,cat", "line 11", "has a zero byte"),
        ("cat/0.png,dog", "cat/0.png", "lines 1 and 11 have other labels or splits"),
        ("./cat/0.png,cat", "./cat/0.png", "is the file of line 1 again"),
        ("other/0.png,cat", "other/0.png", "6 files have its name"),
        ("cat/77.png,cat", "cat/77.png", "no such file"),
    ],
)
def test_one_bad_line_costs_only_itself(written, tree, line, name, reason):
    for folder in "pqrs":
        tree(f"{folder}/0.png")
    data = open_list(written(lines() + line + "\n"), seed=0)
    (left,) = data.left_out
    assert left.name == name
    assert left.reason.startswith(reason)
    assert len(data) == (9 if "lines 1 and 11" in reason else 10)
    assert data.classes == ("cat", "dog")


HEADED = [
    ("image,labels", "{path},{label}"),
    ("img,lbl", "{path},{label}"),
    ("id,breed", "{stem},{label}"),
    ("image_name,tags", "{path},{label}"),
    ("Path,Label", "{upper},{label}"),
    ("id,label", "{stem},{label}"),
    (",path,label", "7,{path},{label}"),
    ("# a tool\npath,label", "{path},{label}"),
    ("sep=;\npath;label", "{path};{label}"),
    ("filepaths,labels,class id", "{path},{label},{number}"),
    ("path,label,class_name", "{path},{number},{label}"),
    ("label,path", "{label},{path}"),
    ("filename, cat, dog", "{path}, {cat}, {number}"),
    ("file,animal", "{path},{label}"),
    ("path,label", "C:\\data\\{back},{label}"),
    ("path,label", "./{path},{label}"),
    ("", "{path} {label}"),
    ("", "{path}\t{label}"),
    ("", "{label},{path}"),
    ("path|label", "{path}|{label}"),
]


@pytest.mark.parametrize(("heading", "form"), HEADED)
def test_headings_and_forms(written, heading, form):
    rows = [heading] if heading else []
    for path in PATHS:
        number = int(path.startswith("dog"))
        rows.append(
            form.format(
                path=path,
                label=path[:3],
                stem=path[:-4],
                upper=path.replace(".png", ".PNG"),
                number=number,
                cat=1 - number,
                back=path.replace("/", "\\"),
            )
        )
    data = open_list(written("\n".join(rows)), seed=0)
    assert data.classes == ("cat", "dog")
    assert data.counts().sum(1).tolist() == [5, 5]
    assert data.left_out == ()


SPLITS = [
    ("path,label,is_valid", ("False", "True"), 1),
    ("path,label,phase", ("train", "val"), 1),
    ("path,label,data set", ("train", "test"), 2),
    ("path,label,split", ("train", "eval"), 2),
    ("path,label,split", ("0", "1"), 2),
    ("path,label,Subset", ("training_set", "holdout"), 2),
    ("path,label,is_test", ("0", "1"), 2),
    ("path,label,is_train", ("1", "0"), 2),
    ("path,label,partition", ("Train", "Dev"), 1),
]


@pytest.mark.parametrize(("heading", "words", "split"), SPLITS)
def test_the_lists_own_split_is_used(written, heading, words, split):
    rows = [f"{path},{path[:3]},{words[number % 5 == 4]}" for number, path in enumerate(PATHS)]
    data = open_list(written("\n".join([heading, *rows])), seed=0)
    assert (data.split == split).sum() == 2
    assert "test" not in data.drawn or split == 1
    assert not any("not used" in note for note in data.notes)


def test_columns_that_are_not_used_are_noted(written):
    text = lines("{path},{label},3,x", heading="path,label,fold,remark")
    assert open_list(written(text), seed=0).notes == (
        "columns that are not used: 'fold', 'remark'",
    )


def test_a_column_of_weights_goes_with_its_rows(written):
    rows = [f"{path},{path[:3]},{number or ''}" for number, path in enumerate(PATHS)]
    data = open_list(written("\n".join(["path,label,weight", *rows])), seed=0)
    expected = {path: float(number or 1) for number, path in enumerate(PATHS)}
    found = data.train.weights
    assert found.tolist() == [expected[data.train.inputs.name(k)] for k in range(len(found))]
    assert any("how much each image counts in learning" in note for note in data.notes)
    plain = open_list(written("\n".join(["path,label,weight", *rows]).replace(",9", ",8")), seed=0)
    assert plain.fingerprint() != data.fingerprint()


@pytest.mark.parametrize("cell", ["heavy", "-1", "inf", "nan?"])
def test_what_is_no_weight_leaves_all_alike(written, cell):
    text = lines("{path},{label}," + cell, heading="path,label,weight")
    data = open_list(written(text), seed=0)
    assert data.weights is None
    assert data.notes == (f"column 'weight' does not say how much images count: it holds {cell!r}",)


def test_numbers_are_called_by_the_folders_of_their_images(written):
    rows = [f"{path} {int(path.startswith('dog'))}" for path in PATHS]
    data = open_list(written("\n".join(rows), "train.txt"), seed=0)
    assert data.classes == ("cat", "dog")
    assert data.notes == (
        "labels are numbers, called by the folders of their images: 0 cat, 1 dog",
    )
    data = open_list(
        written("\n".join(rows).replace("cat/0.png 0", "cat/0.png 1"), "train.txt"), seed=0
    )
    assert data.classes == ("0", "1")


def test_whole_numbers_as_floats(written):
    rows = [f"{path},{number % 2}.0" for number, path in enumerate(PATHS)]
    assert open_list(written("\n".join(rows)), seed=0).classes == ("0", "1")


def test_labels_of_two_words(written):
    names = {"cat": "golden cat", "dog": "old, wild dog"}
    rows = [f'"{path}";"{names[path[:3]]}"' for path in PATHS]
    assert open_list(written("path;label\n" + "\n".join(rows)), seed=0).classes == tuple(
        names.values()
    )


def test_a_name_on_the_disk_that_is_composed_otherwise(tree):
    root = tree(*(f"cafe\u0301/{k}.png" for k in range(4)), *(f"tea/{k}.png" for k in range(4)))
    rows = [f"caf\u00e9/{k}.png,caf\u00e9\ntea/{k}.png,tea" for k in range(4)]
    (root / "list.csv").write_text("\n".join(rows), "utf-8")
    data = open_list(root / "list.csv", seed=0)
    assert data.counts().sum(1).tolist() == [4, 4]
    assert data.notes == (
        "4 images found by a part of the path in the list, or without its suffix",
    )


def test_missing_files_are_counted(written):
    data = open_list(written(lines() + "cat/7.png,cat\ncat/8.png,cat\n"), seed=0)
    assert data.notes == ("2 of 12 images of the list are missing",)


def test_a_pipe_that_is_called_like_a_list(tmp_path):
    os.mkfifo(tmp_path / "list.csv")
    with pytest.raises(DataError, match="not a folder, a list"):
        striate.data.open(tmp_path / "list.csv")


def test_a_list_in_a_folder_of_lists_beside_the_images(tree):
    root = tree(*(f"images/{k}.png" for k in range(6)))
    (root / "annotations").mkdir()
    for form in ("images/{}.png", "{}.png"):
        text = "".join(f"{form.format(k)},{'ab'[k % 2]}\n" for k in range(6))
        (root / "annotations" / "list.csv").write_text(text)
        assert len(open_list(root / "annotations" / "list.csv", seed=0)) == 6


def test_labels_that_differ_in_case_alone(written):
    text = lines().replace("3.png,dog", "3.png,Dog").replace("4.png,dog", "4.png,Dog")
    data = open_list(written(text), seed=0)
    assert "classes that differ in case alone: 'Dog', 'dog'" in data.notes


def test_a_first_line_of_one_cell_is_refused_in_a_line(written):
    with pytest.raises(DataError, match="the first line has 1 column"):
        open_list(written('"x,y\n"\na1.png,cat\na2.png,dog\n'), seed=0)
