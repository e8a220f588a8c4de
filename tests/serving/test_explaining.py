"""Heat maps: how they are sent, and what ends the work on one."""

import io
import threading
import time

import numpy as np
import pytest
from PIL import Image

from striate.progress import reporting, stage
from striate.serving.explaining import Watch, to_json, to_png
from striate.serving.refusals import Refused
from striate.tasks.contract import Explained


@pytest.fixture
def found():
    pixels = np.zeros((28, 28, 3), np.uint8)
    return Explained("a", 0.5, pixels, (0.25, 0.0, 0.75, 1.0), np.array([[0.5, -0.25], [0.0, 0.1]]))


def test_as_numbers(found):
    assert to_json(found) == {
        "class": "a", "probability": 0.5, "box": [0.25, 0.0, 0.75, 1.0],
        "map": [[0.5, -0.25], [0.0, 0.1]], "largest": 0.5,
    }  # fmt: skip


def test_as_a_picture(found):
    assert Image.open(io.BytesIO(to_png(found))).size == (28, 28)


def test_work_ends_when_nobody_waits_for_it():
    stop = threading.Event()
    with reporting(Watch(float("inf"), stop)), stage("occlude", 3) as bar:
        bar.advance()
        stop.set()
        with pytest.raises(Refused):
            bar.advance()


def test_work_ends_at_the_deadline():
    with reporting(Watch(time.monotonic() - 1, threading.Event())):
        with pytest.raises(Refused) as refused, stage("occlude", 3):
            pass
    assert refused.value.http == 504
