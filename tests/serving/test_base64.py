"""Base64 in the forms in which programs write it."""

import base64
from urllib.parse import quote

import pytest

from striate.serving.inputs import unpacked
from striate.serving.refusals import Unanswered

DATA = bytes(range(256)) * 4  # 1,024 bytes: with padding, and with every letter
PLAIN = base64.b64encode(DATA).decode()


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        base64.encodebytes(DATA).decode(),  # MIME: 76 letters a line
        PLAIN[:100] + "\r\n" + PLAIN[100:] + "\r\n",
        PLAIN.rstrip("="),
        base64.urlsafe_b64encode(DATA).decode(),
        base64.urlsafe_b64encode(DATA).decode().rstrip("="),
        f"data:image/png;base64,{PLAIN}",
        f"DATA:image/jpeg;charset=utf-8;base64,{PLAIN}",
        f"data:;base64,{quote(PLAIN)}",
    ],
)
def test_every_usual_form(text: str) -> None:
    assert unpacked(text) == DATA


@pytest.mark.parametrize(
    "text", ["&&&", "a", "\u00e9\u00e9\u00e9\u00e9", "data:image/png,<svg>", "a=b="]
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(Unanswered, match="not base64"):
        unpacked(text)
