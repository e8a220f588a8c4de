"""What is asked for - how many, which color, which thing, where - by the words of a question."""

import re

KINDS = (  # the first that fits
    ("counting", re.compile(r"\bhow many\b|\bnumber of\b|\bcount\b")),
    ("color", re.compile(r"\bcolou?rs?\b")),
    ("yes or no", re.compile(r"^(?:is|are|was|were|do|does|did|can|could|has|have|will)\b")),
    ("where", re.compile(r"\bwhere\b")),
    ("who", re.compile(r"\bwho\b|\bwhose\b")),
    ("what", re.compile(r"\bwhat\b|\bwhich\b")),
)
OTHER = "other"


def kind_of(question: str) -> str:
    """The kind of a question.

    >>> kind_of("How many chairs are there ?"), kind_of("what is the colour of the bed ?")
    ('counting', 'color')
    >>> kind_of("what is on the table ?"), kind_of("name the largest object")
    ('what', 'other')
    """
    text = question.lower()
    return next((kind for kind, pattern in KINDS if pattern.search(text)), OTHER)
