"""Values of frozen dataclasses from text, as `--set key=value` gives them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from striate.errors import UnknownName, UserError

T = TypeVar("T")


def changed(value: T, assignments: Sequence[str], *, kind: str, named: Mapping[str, Any]) -> T:
    """A frozen dataclass with some of its values changed.

    Args:
        assignments: each "key=value". A key is a field, or a field of a dataclass inside, with or
            without its path: "augmentation.geometry.mirror" or "mirror". The last of several wins.
        kind: what the value is, for messages.
        named: dataclasses by name: what a field that holds such a one may be set to, or one that
            holds what is inside of it.

    Raises:
        UnknownName: if there is no such key; it lists those that there are.
        UserError: if an assignment has no value, or one that the field does not take.
    """
    for assignment in assignments:
        key, sign, text = (part.strip() for part in assignment.partition("="))
        if not sign or not key or not text:
            raise UserError(f"--set {assignment}: expected key=value, such as epochs=5")
        path = path_of(value, key)
        if path is None:
            known = list(dict.fromkeys(one[-1] for one in keys(value)))
            raise UnknownName(f"setting of {kind}", key, known, full=True)
        try:
            value = put(value, path, text, named)
        except ValueError as error:
            subject = "" if str(error).startswith(f"{path[-1]} ") else f"{key} "
            raise UserError(f"--set {assignment}: {subject}{error}") from error
    return value


def path_of(value: Any, key: str) -> tuple[str, ...] | None:
    """Where a dataclass has what a key names; None where it has no such field."""
    paths = {".".join(path): path for path in keys(value)}
    short = {path[-1]: path for path in sorted(paths.values(), key=len, reverse=True)}
    return paths.get(key) or short.get(key)


def keys(value: Any) -> Iterator[tuple[str, ...]]:
    """The path of every field of a dataclass and of those inside, but what its metadata
    say is no setting."""
    for field in fields(value):
        if field.metadata.get("setting") is False:
            continue
        yield (field.name,)
        inner = getattr(value, field.name)
        if is_dataclass(inner):
            for path in keys(inner):
                yield (field.name, *path)


def put(value: Any, path: tuple[str, ...], text: str, named: Mapping[str, Any]) -> Any:
    """The dataclass with the field at that path read from text."""
    name, *rest = path
    if rest:
        new = put(getattr(value, name), tuple(rest), text, named)
    else:
        new = read(text, get_type_hints(type(value))[name], named)
    return replace(value, **{name: new})


def read(text: str, kind: Any, named: Mapping[str, Any]) -> Any:
    """A value of an annotated type from text.

    Raises:
        ValueError: what it takes, as the end of a sentence.

    >>> read("0.08,1", tuple[float, float] | None, {}), read("0.5:0.1, 0.75:0.01", Pairs, {})
    ((0.08, 1.0), ((0.5, 0.1), (0.75, 0.01)))
    """
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        if NoneType in parts and text.lower() == "none":
            return None
        (kind,) = (part for part in parts if part is not NoneType)
        return read(text, kind, named)
    if origin is Literal:
        if text not in parts:
            raise ValueError(f"is one of {', '.join(parts)}, not {text!r}")
        return text
    if origin is tuple:
        return several(text, parts, named)
    if kind is bool:
        return truth(text)
    if kind is int:
        return whole(text)
    if kind is float:
        return number(text)
    known = {name: found for name, value in named.items() for found in parts_of(value, kind)}
    if text not in known:
        raise ValueError(f"is one of {', '.join(known) or 'its own fields'}, not {text!r}")
    return known[text]


def parts_of(value: Any, kind: type[T]) -> Iterator[T]:
    """A dataclass and what its fields hold, as far as it is of a kind."""
    parts = (getattr(value, field.name) for field in fields(value))
    return (part for part in (value, *parts) if isinstance(part, kind))


Pairs = tuple[tuple[float, float], ...]


def several(text: str, parts: tuple[Any, ...], named: Mapping[str, Any]) -> tuple[Any, ...]:
    """Values with commas between them; those of inner tuples have colons."""
    mark = "," if "," in text or get_origin(parts[0]) is tuple else ":"
    pieces = [piece.strip() for piece in text.split(mark) if piece.strip()]
    if parts[-1] is Ellipsis:
        return tuple(read(piece, parts[0], named) for piece in pieces)
    if len(pieces) != len(parts):
        raise ValueError(f"takes {len(parts)} numbers with a comma between them, not {text!r}")
    return tuple(read(piece, part, named) for piece, part in zip(pieces, parts, strict=True))


def truth(text: str) -> bool:
    if text.lower() not in ("true", "false", "yes", "no"):
        raise ValueError(f"is true or false, not {text!r}")
    return text.lower() in ("true", "yes")


def whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"takes a whole number, not {text!r}") from None


def number(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        raise ValueError(f"takes a number, not {text!r}") from None
    if not math.isfinite(found):
        raise ValueError(f"takes a finite number, not {text!r}")
    return found
