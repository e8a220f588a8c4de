"""Everything that striate refuses, as one tree.

    StriateError                 the command line prints its one line and ends with exit code 1
    ├── Diverged                 a loss stopped being a finite number
    ├── StorageError             a disk that is full or may not be written
    ├── GroupEnded               another of the processes that learn together has ended
    └── UserError                something the person can mend: exit code 2
        ├── UnknownName          no such network, set or layer; carries the closest names
        ├── DataError            a folder, list or set that cannot be learned from
        ├── InputError           one input that cannot be read; the reason is its text
        │   ├── ImageError       an image
        │   └── AudioError       a recording
        ├── ModelError           a network that cannot be built, joined or fed as asked
        ├── WeightsError         a weight or recognizer file that does not fit, or is not one
        └── MissingExtra         an optional part of striate that is not installed

Every message is one line that names the offending value and says what to do; what other libraries
raise becomes one by `one_line`.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class StriateError(Exception):
    """The root: anything striate raises on purpose."""


class Diverged(StriateError):
    """A loss stopped being a finite number."""


class StorageError(StriateError):
    """A file could not be written; what stood there before still stands."""


class GroupEnded(StriateError):
    """Another of the processes that learn together has ended, and says why."""


class UserError(StriateError):
    """A mistake the person can mend."""


class DataError(UserError):
    """A folder, list or set that cannot be learned from."""


class InputError(UserError):
    """One input that cannot be read."""


class ImageError(InputError):
    """One image that cannot be read."""


class AudioError(InputError):
    """One recording that cannot be read."""


class ModelError(UserError):
    """A network that cannot be built, joined or fed as asked."""


class WeightsError(UserError):
    """A weight or recognizer file that does not fit, or is not one."""


class MissingExtra(UserError):
    """An optional part of striate that is not installed."""

    def __init__(self, purpose: str, extra: str):
        super().__init__(f"{purpose} needs an optional part: pip install 'striate[{extra}]'")


MOST_LISTED, FEW_LISTED = 100, 5  # names: all of so many, or the first few of more


class UnknownName(UserError):
    """A name that is not in one of striate's tables.

    >>> str(UnknownName("network", "vgg61", ["vgg16", "vgg19", "lenet5"]))
    "no network is called 'vgg61'; did you mean vgg19 or vgg16?"

    Args:
        kind: what is called so.
        full: list all that there are even where some are close.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], *, full: bool = False):
        known = list(known)
        close = get_close_matches(name, known, n=3, cutoff=0.5)
        hints = [f"did you mean {' or '.join(close)}?"] if close else []
        if full or not close:
            shown = known if len(known) <= MOST_LISTED else known[:FEW_LISTED]
            more = f" and {len(known) - len(shown):,} more" if len(known) > len(shown) else ""
            hints.append(f"known: {', '.join(shown)}{more}")
        super().__init__(f"no {kind} is called {name!r}; {' '.join(hints)}")


def one_line(reason: object, limit: int = 200) -> str:
    """A reason as one printable line of at most `limit` characters; an error without text gives its
    kind.

    >>> one_line(ValueError("two\\n   lines")), one_line(KeyError("names")), one_line("x" * 9, 8)
    ('two lines', "there is no 'names'", 'xxxx ...')
    """
    text = f"there is no {reason}" if isinstance(reason, KeyError) else str(reason)
    line = " ".join(text.split()) or type(reason).__name__
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
    return line if len(line) <= limit else f"{line[: limit - 4]} ..."
