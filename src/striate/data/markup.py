"""XML and JSON of strangers: decoded as their programs wrote them, bounded, and never code."""

import json
import re
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError, XMLParser

from striate.errors import UserError
from striate.files import read_bytes

MAX_XML = 64 * 2**20  # bytes; a tree takes some ten times more
MAX_JSON = 2**30  # COCO's own largest has 470 MB
MAX_OBJECTS = 10**8  # lists, objects and values of a JSON file
DIGITS = 400  # of a whole number: Python refuses 4,300, and no label has more than a few
DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
HIGH = re.compile(rb"[\x80-\xff]+")
DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "cp936": "gb18030"}  # that have all of it and more


class NotReadable(Exception):
    """Why a file cannot be used; the text is the reason, without the path."""


def text_of(data: bytes, declared: str | None = None) -> tuple[str, str | None]:
    """Text, and the encoding where it is not UTF-8 and nothing says which it is.

    Args:
        declared: the encoding that the file itself names.

    >>> text_of("\\u7ea2".encode("gbk")), text_of(b"caf\\xe9,")
    (('红', 'gb18030'), ('café,', 'cp1252'))
    """
    mark = next((MARKS[start] for start in MARKS if data.startswith(start)), None)
    known = mark or (WIDER.get(declared.lower(), declared) if declared else "utf-8")
    try:
        return data.decode(known), None
    except (UnicodeDecodeError, LookupError):
        pass
    # Chinese characters are pairs of high bytes; an accent in a Western text stands alone.
    runs = HIGH.findall(data)
    paired = 2 * sum(len(run) % 2 == 0 for run in runs) > len(runs)
    for guess in ("utf-8", *(("gb18030",) if paired else ())):
        try:
            return data.decode(guess), guess
        except UnicodeDecodeError:
            continue
    return data.decode("cp1252", "replace"), "cp1252"


def xml_of(data: bytes) -> Element:
    """The tree of an XML file without a document type.

    Entities are what XML attacks are made of, and annotations have none: a file that declares a
    document type is refused before anything is expanded.

    Raises:
        NotReadable: if it has one, or is not XML.
    """
    if b"<!" in data and (b"<!DOCTYPE" in data or b"<!ENTITY" in data):
        raise NotReadable("declares a document type (entities): refused")
    try:
        if data.startswith(b"<") and not data.startswith(b"<?xml"):
            return _tree(data)
    except ParseError:  # not UTF-8, perhaps
        pass
    declared = DECLARED.match(data)
    text, _ = text_of(data, declared[1].decode("ascii") if declared else None)
    text = DECLARATION.sub("", text.lstrip("\ufeff \t\r\n"), count=1)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise NotReadable("declares a document type (entities): refused")
    try:
        return _tree(text.encode("utf-8", "replace"))
    except ParseError as error:
        raise NotReadable(f"is not XML ({error})") from error


def _tree(data: bytes) -> Element:
    parser = XMLParser(encoding="utf-8")
    parser.feed(data)
    return parser.close()


def read_xml(path: Path, *, limit: int = MAX_XML) -> Element:
    """As `xml_of`, from a file.

    Raises:
        NotReadable: if it cannot be read, too.
    """
    try:
        return xml_of(read_bytes(path, limit=limit))
    except UserError as error:
        raise NotReadable(str(error)) from error


def word(tree: Element, place: str) -> str:
    """The text of an element, "" where there is none."""
    return (tree.findtext(place) or "").strip()


def read_json(path: Path, *, limit: int = MAX_JSON) -> Any:
    """What a JSON file holds.

    Raises:
        NotReadable: if it cannot be read, is not JSON, or would take too much memory.
    """
    try:
        return json_of(read_bytes(path, limit=limit))
    except UserError as error:
        raise NotReadable(str(error)) from error


def json_of(data: bytes) -> Any:
    """What the text of a JSON file means.

    Raises:
        NotReadable: if it is not JSON, or would take too much memory.
    """
    objects = sum(data.count(mark) for mark in (b",", b"[", b"{"))
    if objects > MAX_OBJECTS:
        raise NotReadable(f"holds {objects:,} values, more than the limit of {MAX_OBJECTS:,}")
    text, _ = text_of(data)
    text = text.lstrip("\ufeff")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        if "digits" not in str(error):
            raise NotReadable(f"is not JSON ({error})") from error
    try:
        return json.loads(text, parse_int=_number)
    except (ValueError, RecursionError) as error:
        raise NotReadable(f"is not JSON ({error})") from error


def _number(digits: str) -> float:
    return int(digits) if len(digits) <= DIGITS else float("inf")
