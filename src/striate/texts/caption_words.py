"""From a caption to its words: the rule of learning, of use and of scores."""

import re

WORD = re.compile(r"[a-z0-9']+")
FOREIGN = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def caption_words(text: str) -> list[str]:
    """The words in lower case, without marks; letters of other scripts stay where there are any.

    >>> caption_words("A man's dog, running."), caption_words("Ein schöner Hund")
    (['a', "man's", 'dog', 'running'], ['ein', 'schöner', 'hund'])
    """
    text = text.lower()
    return (WORD if text.isascii() else FOREIGN).findall(text)


def sentence_of(words: list[str]) -> str:
    """Words as a sentence for people.

    >>> sentence_of(["a", "dog", "runs"]), sentence_of([])
    ('A dog runs.', '')
    """
    text = " ".join(words)
    return f"{text[:1].upper()}{text[1:]}." if text else ""
