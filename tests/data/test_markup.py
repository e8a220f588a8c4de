"""XML and JSON of strangers."""

import os
from pathlib import Path

import pytest

from striate.data import markup
from striate.data.markup import NotReadable, json_of, read_json, read_xml, text_of, xml_of

BOMB = b'<!DOCTYPE a [<!ENTITY e "x"><!ENTITY f "&e;&e;">]><annotation>&f;</annotation>'


def test_entities_are_refused_before_they_are_expanded() -> None:
    for data in (BOMB, BOMB.decode().encode("utf-16")):
        with pytest.raises(NotReadable, match="declares a document type"):
            xml_of(data)


@pytest.mark.parametrize(
    "data", [b"", b"<a>", b"<a></b>", b"\0" * 9, b"<a>" * 10_000, b"\xff\xfe<", b"hello"]
)
def test_what_is_not_xml(data: bytes) -> None:
    with pytest.raises(NotReadable, match="is not XML"):
        xml_of(data)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[" * 200_000, b'{"a": 1' + b"9" * 5000, b"\xff", b"nul"]
)
def test_what_is_not_json(data: bytes) -> None:
    with pytest.raises(NotReadable, match="is not JSON"):
        json_of(data)


def test_json_of_windows_and_long_numbers() -> None:
    assert json_of('\ufeff{"a": "\u00e9"}'.encode()) == {"a": "\u00e9"}
    assert json_of('{"a": 1}'.encode("utf-16")) == {"a": 1}
    assert json_of(b'{"a": ' + b"9" * 5000 + b"}") == {"a": float("inf")}


def test_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markup, "MAX_OBJECTS", 1000)
    with pytest.raises(NotReadable, match="holds 2,001 values, more than the limit of 1,000"):
        json_of(b"[" + b"[]," * 1000)
    (tmp_path / "a.xml").write_bytes(b"<a/>")
    with pytest.raises(NotReadable, match="more than the limit"):
        read_xml(tmp_path / "a.xml", limit=3)


def test_only_regular_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a")
    for read in (read_xml, read_json):
        with pytest.raises(NotReadable, match="is not a regular file"):
            read(tmp_path / "a")


@pytest.mark.parametrize(
    ("text", "coding", "guess"),
    [
        ("\u7ea2\u8272", "gbk", "gb18030"),
        ("caf\u00e9 na\u00efve", "cp1252", "cp1252"),
        ("\u00e9", "utf-8", None),
    ],
)
def test_encodings_that_nobody_declares(text: str, coding: str, guess: str | None) -> None:
    assert text_of(text.encode(coding)) == (text, guess)
