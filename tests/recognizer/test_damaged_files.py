"""Damaged files at random: each gives a recognizer that answers, or is refused in one line."""

import copy
import json
import random
import resource
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from striate.errors import (
    ModelError,
    UnknownName,
    WeightsError,
)
from striate.recognizer import Recognizer, load

HUGE = 10 * 2**30


def peak() -> float:
    """The most memory the process has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


# fmt: off
ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 7, 0.5, -0.0, 1e308, float("nan"), float("inf"), 2**31, 2**40,
    2**63, 10**30, "", "weigher", "x" * 5_000, "\0", "../../etc/passwd", [], [[]], [0], [2**40] * 3,
    ["a", "a"], {}, {"a": {}}, [1, "b", None],
)
# fmt: on
Parts = tuple[dict[str, Any], dict[str, Any], bytes]
"""What stands in such a file: where its tensors lie, our header, and the tensors' bytes."""


def taken_apart(data: bytes) -> Parts:
    (length,) = struct.unpack("<Q", data[:8])
    places = json.loads(data[8 : 8 + length])
    header = json.loads(places.pop("__metadata__")["striate"])
    return places, header, data[8 + length :]


def put_together(parts: Parts) -> bytes:
    places, header, body = parts
    text = json.dumps({"__metadata__": {"striate": json.dumps(header)}, **places}).encode()
    return struct.pack("<Q", len(text)) + text + body


def truncated(data: bytes, draw: random.Random) -> bytes:
    return data[: draw.randrange(len(data))]


def flipped(data: bytes, draw: random.Random) -> bytes:
    """1 to 4 bytes of the header."""
    damaged, end = bytearray(data), 8 + struct.unpack("<Q", data[:8])[0]
    for _ in range(draw.randint(1, 4)):
        damaged[draw.randrange(end)] = draw.randrange(256)
    return bytes(damaged)


def odd_header(data: bytes, draw: random.Random) -> bytes:
    """One value of our header, anywhere in it, is another or missing."""
    places, header, body = taken_apart(data)
    here: Any = header
    while True:
        key = draw.choice(list(here) if isinstance(here, dict) else range(len(here)))
        if isinstance(here[key], dict | list) and here[key] and draw.random() < 0.7:
            here = here[key]
            continue
        if draw.random() < 0.2:
            del here[key]
        else:
            here[key] = copy.deepcopy(draw.choice(ODD))
        return put_together((places, header, body))


def odd_places(data: bytes, draw: random.Random) -> bytes:
    """One tensor is of another name, shape, type or place."""
    places, header, body = taken_apart(data)
    name = draw.choice(list(places))
    change = draw.choice(("shape", "dtype", "data_offsets", "name"))
    if change == "name":
        places[name + "x"] = places.pop(name)
    elif change == "dtype":
        places[name]["dtype"] = draw.choice(("F64", "F16", "I8", "BOOL", "F8_E4M3", "X", ""))
    else:
        old = places[name][change]
        places[name][change] = draw.choice(
            (old[::-1], [], [0, *old], [*old, 2**62], [HUGE], [-1], [0, HUGE], [2**63, 2**64], None)
        )
    return put_together((places, header, body))


def odd_numbers(data: bytes, draw: random.Random) -> bytes:
    """Bytes of the tensors are others."""
    places, header, body = taken_apart(data)
    damaged = bytearray(body)
    for _ in range(4):
        damaged[draw.randrange(len(damaged))] = draw.choice((0x7F, 0xFF, 0xC0, 0x80))
    return put_together((places, header, bytes(damaged)))


DAMAGES = (truncated, flipped, odd_header, odd_header, odd_places, odd_numbers)


def test_a_thousand_damaged_files(saved: Path) -> None:
    """Each gives a recognizer that answers, or is refused: in one line, soon, in little memory."""
    sound, draw, answers = saved.read_bytes(), random.Random(0), 0
    messages: list[str] = []
    before, slowest = peak(), 0.0
    for number in range(1_000):
        saved.write_bytes(DAMAGES[number % len(DAMAGES)](sound, draw))
        start = time.process_time()
        try:
            found = load(saved)([np.float64(1)])
        except WeightsError as error:
            messages.append(str(error))
        else:
            assert len(found) == 1
            answers += 1
        slowest = max(slowest, time.process_time() - start)
    assert all(one.isprintable() and len(one) < 700 and str(saved) in one for one in messages)
    assert len(messages) > 500
    assert answers > 50  # provenance and names may be anything
    assert slowest < 2.0
    assert peak() - before < 200


def test_no_other_errors_come_of_a_predictor(
    ours: Recognizer,
    saved: Path,
    refused: Callable[[Path, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever it raises of what it is documented to raise, a person reads one line."""
    for error in (
        ValueError("a\nb"), KeyError("k"), TypeError(), RuntimeError("x" * 5000), IndexError(3),
        OverflowError("much"), ModelError("m"), UnknownName("n", "a", ["b"]), AttributeError("c"),
        RecursionError(), ZeroDivisionError("d"), WeightsError(f"{saved} e"),
    ):  # fmt: skip

        def restored(cls, tensors, header, names, error=error):
            raise error

        monkeypatch.setattr(type(ours.predictor), "restored", classmethod(restored))
        refused(saved, "it.safetensors")
