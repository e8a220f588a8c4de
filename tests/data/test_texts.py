"""Tables and folders of texts as people have them, and what is refused or left out by name."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import striate
from striate import data
from striate.data.folding import fold_of, folds
from striate.data.texts import MOST_WORDS, decoded_text, sound
from striate.errors import DataError, InputError, UserError

TEXTS = [
    ("pos", 'a "quoted" film, and a good one'),
    ("neg", "it is not a good film at all"),
    ("pos", "what a lovely story it tells us"),
    ("neg", '"awful" is too kind a word for it'),
    ("pos", "see it twice; then see it again"),
    ("neg", "two hours that nobody gives back"),
] * 4


def numbered() -> list[tuple[str, str]]:
    return [(label, f"{text} {number}") for number, (label, text) in enumerate(TEXTS)]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def file(name: str, text: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return file


def tsv(head: str = "") -> str:
    return head + "".join(f"{label}\t{text}\n" for label, text in numbered())


def csv(head: str, *, separator: str = ",", turned: bool = False) -> str:
    lines = [head] if head else []
    for label, text in numbered():
        cells = [label, '"' + text.replace('"', '""') + '"']
        lines.append(separator.join(reversed(cells) if turned else cells))
    return "\r\n".join(lines) + "\r\n"


def objects() -> str:
    import json

    rows = [{"id": n, "text": t, "label": k} for n, (k, t) in enumerate(numbered())]
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_a_text_of_several_lines_is_one_cell_of_a_csv(write: Callable[..., Path]) -> None:
    lines = [f'"{n} said so:\nit was good\nand it is",{"yn"[n % 2]}\n' for n in range(24)]
    table = data.open(write("a.csv", "text,label\n" + "".join(lines)))
    assert table.inputs[0].endswith("said so:\nit was good\nand it is")
    assert (len(table.split), table.left_out) == (24, ())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tsv", tsv()),
        ("a.tsv", "\ufeff" + tsv()),
        ("a.tsv", tsv("label\tsentence\n")),
        ("a.tsv", tsv("kind\twords\n")),
        ("a.txt", tsv()),
        ("a.csv", csv("label,text")),
        ("a.csv", csv("", turned=True)),
        ("a.csv", csv("review;sentiment", separator=";", turned=True)),
        ("a.csv", csv("Meinung,Urteil", turned=True)),
        ("a.tsv", csv("label\ttext", separator="\t")),
        ("a.jsonl", objects()),
    ],
)
def test_every_form_of_table(write: Callable[..., Path], name: str, content: str) -> None:
    found = data.open(write(name, content))
    assert found.thing == "text"
    assert found.classes == ("neg", "pos")
    texts = {found.inputs[row]: found.targets.words(row) for row in range(len(found))}
    assert texts == {text: label for label, text in numbered()}
    assert not found.left_out


def test_the_tasks_are_told_apart(write: Callable[..., Path], tmp_path: Path) -> None:
    assert striate.open(write("a.tsv", tsv())).thing == "text"
    pictures = write("list.csv", "path,label\n" + "".join(f"{n}.png,a\n" for n in range(9)))
    with pytest.raises(DataError, match="none of its 9 images exists"):
        striate.open(pictures)
    with pytest.raises(DataError, match="names no path and label columns"):
        striate.open(write("a.tsv", tsv()), task="classification")


def test_parts_that_lie_beside_each_other(write: Callable[..., Path]) -> None:
    train = write("set_train.tsv", tsv())
    write("set_test.tsv", "pos\tone text of the test\nneg\tand another one of it\n")
    write("set_dev.tsv", "pos\ta text to choose by\n")
    write("other_test.tsv", "pos\tthis is of another set\n")
    found = data.open(train)
    assert [(found.split == part).sum() for part in range(3)] == [24, 1, 2]
    assert not found.drawn
    assert found.inputs.name(26) == "set_test.tsv:2"
    folder = write("parts/train.tsv", tsv()).parent
    write("parts/test.tsv", "pos\tone text of the test\nneg\tand another one of it\n")
    assert (data.open(folder).split == 2).sum() == 2


def test_splits_and_folds_in_columns(write: Callable[..., Path]) -> None:
    rows = numbered()
    lines = [f"{label}\t{text}\t{'test' if n % 4 == 0 else 'train'}" for n, (label, text) in
             enumerate(rows)]  # fmt: skip
    found = data.open(write("a.tsv", "label\ttext\tsplit\n" + "\n".join(lines)))
    assert (found.split == 2).sum() == 6
    lines = [f"{label}\t{text}\t{n // 2 % 3}" for n, (label, text) in enumerate(rows)]
    found = data.open(write("b.tsv", "label\ttext\tfold\n" + "\n".join(lines)))
    assert (found.split == 2).sum() == 8
    assert "of its 3 folds, 2 is scored" in found.notes[0]


def test_folds_score_every_text_once(write: Callable[..., Path]) -> None:
    whole = data.open(write("a.tsv", tsv()))
    parts = folds(whole, 4)
    assert sum((part.split == 2).astype(int) for part in parts).tolist() == [1] * len(whole)
    for part in parts:
        assert (part.counts()[:, 2] == 3).all()  # of each class
        assert (part.split == 1).any()
    with pytest.raises(ValueError, match="cannot be cut"):
        folds(whole, 1)
    third = fold_of(whole, "3/4")
    assert third.name == "a-fold-3-of-4"
    assert third.split.tolist() == parts[2].split.tolist()
    for wrong in ("0/4", "5/4", "3", "1/1", "1/99"):
        with pytest.raises(UserError, match=f"--fold {wrong}: "):
            fold_of(whole, wrong)


def test_encodings(write: Callable[..., Path]) -> None:
    text = tsv() + "pos\tein schöner Film für große Leute\n"
    for encoding in ("utf-8", "utf-16", "cp1252"):
        found = data.open(write(f"{encoding}.tsv", text.encode(encoding)))
        assert any("schöner" in found.inputs[row] for row in range(len(found)))
        assert bool(found.notes) == (encoding == "cp1252")


@pytest.mark.parametrize(
    ("head", "cells", "taken"),
    [
        ("author,language,verdict,text", ("ann", "en"), "verdict"),
        ("id,source,opinion,text", ("7", "web"), "opinion"),
        ("id,kind,words,text", None, ""),
    ],
)
def test_labels_by_name_and_then_by_content(
    write: Callable[..., Path], head: str, cells: tuple[str, ...] | None, taken: str
) -> None:
    lines = [",".join((*(cells or "ab"), label, f"{text.replace(',', '')} again"))
             for label, text in numbered()]  # fmt: skip
    if cells is None:  # one of three could be it; `kind` is a name of labels
        lines = [f"{n % 2},{'xy'[n % 2]},{line.split(',', 2)[2]}" for n, line in enumerate(lines)]
        found = data.open(write("a.csv", "\n".join([head, *lines]).replace('"', "")))
        assert found.classes == ("x", "y")
        with pytest.raises(DataError, match="columns 'mark', 'words' could each be the label"):
            data.open(write("a.csv", "\n".join([head.replace("kind", "mark"), *lines])))
        return
    found = data.open(write("a.csv", "\n".join([head, *lines]).replace('"', "")))
    assert found.classes == ("neg", "pos")
    assert f"the label column {taken!r}, not" in found.notes[0]


def test_what_is_wrong_with_a_table_is_said_of_texts(write: Callable[..., Path]) -> None:
    lines = [f"{'ab'[n % 2]}\t{'cd'[n % 2]}\ta text of a few words {n}\n" for n in range(24)]
    for name in ("a.tsv", "a.txt", "a.csv"):
        with pytest.raises(DataError, match="columns '1', '2' could each be the label"):
            striate.open(write(name, "".join(lines)))
    with pytest.raises(DataError, match="no column of texts; expected a text and a label"):
        striate.open(write("b.tsv", "a\tb\nc\td\na\td\n"))


def test_a_text_of_several_lines_is_one_cell_of_a_tsv(write: Callable[..., Path]) -> None:
    lines = [f'{"yn"[n % 2]}\t"{n} said so:\nit was good\nand it is"\n' for n in range(24)]
    found = data.open(write("a.tsv", "label\ttext\n" + "".join(lines)))
    assert (len(found), found.left_out) == (24, ())
    assert found.inputs[0].endswith("said so:\nit was good\nand it is")


def test_class_folders(write: Callable[..., Path], tmp_path: Path) -> None:
    for number, (label, text) in enumerate(numbered()):
        part = "test" if number % 6 > 3 else "train"
        write(f"films/{part}/{label}/{number}.txt", text)
    write("films/train/unsup/1.txt", "nobody knows")
    write("films/train/pos/empty.txt", "")
    write("films/train/pos/binary.txt", bytes(range(32)) * 3)
    write("films/readme.txt", "what this is")
    found = data.open(tmp_path / "films")
    assert (found.thing, found.classes) == ("text", ("neg", "pos"))
    assert (found.split == 2).sum() == 8
    read = data.read_texts(found)
    reasons = {one.name: one.reason for one in read.dataset.left_out}
    assert reasons == {
        "readme.txt": "lies in no class folder",
        "train/unsup/1.txt": "its folder says that it has no label",
        "train/pos/empty.txt": "empty file",
        "train/pos/binary.txt": "binary data, not text",
    }


def test_lines_of_json_that_are_refused(write: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match="binary data, not a text file"):
        data.open(write("a.jsonl", b"\0\1" * 40))
    with pytest.raises(DataError, match="line 1: not JSON"):
        data.open(write("b.jsonl", '{"text\n7\n'))


def test_damaged_lines_are_left_out(write: Callable[..., Path]) -> None:
    found = data.open(
        write("a.jsonl", objects() + '{"text\n[1]\n{"text": "half \\ud800", "label": 1}')
    )
    assert len(found) == 24
    assert [one.name for one in found.left_out] == ["a.jsonl:25", "a.jsonl:26", "a.jsonl:27"]
    assert [one.reason.split(" (")[0] for one in found.left_out] == [
        "not JSON", 'not an object, as in {"label": ..., "text": ...}', "half of a character"
    ]  # fmt: skip
    for name, content in (("a.tsv", tsv()), ("a.csv", csv("label,text"))):
        found = data.open(write(name, content + "pos\ta line,with \0 in it\n"))
        assert (len(found), len(found.left_out)) == (24, 1)
        assert "zero byte" in found.left_out[0].reason


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "not a folder|empty|one column|path"),
        ("pos\ta text of one class\npos\tand one more of it\npos\tthe third one is\n", "one class"),
        ("pos\t \nneg\t\t\n", "path|text"),
    ],
)
def test_tables_that_are_refused(write: Callable[..., Path], content: str, why: str) -> None:
    with pytest.raises(DataError, match=why) as caught:
        data.open(write("a.tsv", content))
    assert "\n" not in str(caught.value)


def test_lines_that_are_left_out(write: Callable[..., Path]) -> None:
    lines = [
        *tsv().splitlines(), "\ta text without a label", "pos\t   ", "neg\t" + "\x01\x02\x03" * 5,
        "pos\t" + "word " * 1_000_000, "neg",
    ]  # fmt: skip
    found = data.open(write("a.tsv", "\n".join(lines)))
    assert [(one.name, one.reason) for one in found.left_out] == [
        ("a.tsv:25", "has no label"),
        ("a.tsv:26", "empty text"),
        ("a.tsv:27", "binary data, not text"),
        ("a.tsv:28", f"1,000,000 words, and at most {MOST_WORDS:,} are read; cut it up"),
        ("a.tsv:29", "empty text"),
    ]


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"", "empty text"), (b" \n", "empty text"), (b"\x00\x01" * 9, "binary data"),
     ("\ufeff".encode(), "empty text"), (b"\x1b[0m", "empty text")],
)  # fmt: skip
def test_bytes_that_are_no_text(data: bytes, why: str) -> None:
    with pytest.raises(InputError, match=why):
        decoded_text(data)


def test_a_few_control_characters_are_blanks() -> None:
    assert sound("one two\x0b three " + "four " * 40).split()[:3] == ["one", "two", "three"]


def test_what_colors_a_terminal_is_left_out_of_a_text() -> None:
    assert sound("\x1b[1;31mred\x1b[0m and\x1b plain").split() == ["red", "and", "plain"]


def test_half_a_character_is_no_text() -> None:
    with pytest.raises(InputError, match=r"half of a character \(\\ud83d\)"):
        sound("so \ud83d good")


def test_rows_stay_together() -> None:
    some = data.Texts(["a", "b", "c"], ["x", "y", "z"])
    taken = some.take([2, 0])
    assert [(taken[k], taken.name(k)) for k in range(2)] == [("c", "z"), ("a", "x")]
    assert taken.mark(1) == some.mark(0) != some.mark(1)
    assert isinstance(np.asarray(taken.rows), np.ndarray)
