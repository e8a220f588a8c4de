"""From a text to its words: the one rule of learning and of use."""

import os

from striate.data.texts import decoded_text, read_text, sound
from striate.errors import InputError
from striate.tasks.contract import Input
from striate.texts import Tokenizer


def words_of(item: Input, tokenizer: Tokenizer) -> list[str]:
    """The words of a text.

    Args:
        item: the text itself, the bytes of a file, or the path of one (a `Path`, not a str).

    Raises:
        InputError: if there is no text to read; the reason.
    """
    if isinstance(item, str):
        return tokenizer(sound(item))
    if isinstance(item, bytes):
        return tokenizer(decoded_text(item))
    if isinstance(item, os.PathLike):
        return tokenizer(read_text(item))
    raise InputError(f"a text is a str, bytes or a Path, not {type(item).__name__}")
