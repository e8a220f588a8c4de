"""Text of the user's in Markdown."""


def plain(value: object) -> str:
    """One line, without markup.

    >>> plain("<b>a_b*")
    '\\\\<b\\\\>a\\\\_b\\\\*'
    """
    line = " ".join(str(value).split())
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#" else c for c in line if c.isprintable())
