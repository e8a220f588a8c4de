"""What pictures cost: as much as they take or more, in every format, and not much more."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.serving.toys import two_spots

from striate.images.decoding import header
from striate.serving.costs import Cost, cost_of

SOURCE = Path(__file__).parents[2] / "src"
WIDTH, HEIGHT = 2000, 1500
VIEW = 112
KINDS = {
    "jpeg": ("RGB", "JPEG", {}), "progressive": ("RGB", "JPEG", {"progressive": True}),
    "cmyk": ("CMYK", "JPEG", {}), "png": ("RGB", "PNG", {}), "alpha": ("RGBA", "PNG", {}),
    "gray alpha": ("LA", "PNG", {}), "palette": ("P", "PNG", {"transparency": 3}),
    "gif": ("P", "GIF", {"transparency": 3}), "webp": ("RGB", "WEBP", {"lossless": True}),
    "webp alpha": ("RGBA", "WEBP", {"lossless": True}), "bmp": ("RGB", "BMP", {}),
}  # fmt: skip
PEAKS = """
import os, sys
from striate import images
from striate.images.decoding import decode_at
def peak():
    with open("/proc/self/status") as file:
        return int(next(line for line in file if line.startswith("VmHWM")).split()[1]) * 1024
ways = {
    "view": lambda data: images.render(data, [images.View(int(sys.argv[1]))]),
    "whole": lambda data: decode_at(data, 1),
}
for line in sys.stdin:
    kind, way, small, large = line.split("\\t")
    if not os.fork():  # a process of its own has a peak of its own
        small, large = (open(path, "rb").read() for path in (small, large.strip()))
        ways[way](small)
        before = peak()
        ways[way](large)
        print(kind, way, peak() - before, sep="\\t", flush=True)
        os._exit(0)
    assert os.wait()[1] == 0, line
"""


@pytest.fixture(scope="module")
def peaks(tmp_path_factory):
    """Bytes that decoding a large picture of each kind takes at most, in either way."""
    folder, asked = tmp_path_factory.mktemp("peaks"), []
    for kind in KINDS:
        files = [folder / f"{kind} {name}" for name in ("small", "large")]
        for file, size in zip(files, ((300, 300), (WIDTH, HEIGHT)), strict=True):
            file.write_bytes(picture(kind, size))
        asked += ["\t".join([kind, way, *map(str, files)]) for way in ("view", "whole")]
    found = subprocess.run(
        [sys.executable, "-c", PEAKS, str(VIEW)], input="\n".join(asked),
        capture_output=True, text=True, env={"PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    rows = [line.split("\t") for line in found.stdout.splitlines()]
    return {(kind, way): int(taken) for kind, way, taken in rows}


def picture(kind, size):
    mode, form, options = KINDS[kind]
    buffer = io.BytesIO()
    color = {"RGB": (9, 80, 200), "CMYK": (9, 80, 200, 3), "RGBA": (9, 80, 200, 99),
             "LA": (9, 99), "P": 7}[mode]  # fmt: skip
    Image.new(mode, size, color).save(buffer, form, **options)
    return buffer.getvalue()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from Linux")
@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_takes_no_more_than_it_costs(peaks, kind):
    data = picture(kind, (WIDTH, HEIGHT))
    for size, way in ((VIEW, "view"), (None, "whole")):
        cost = Cost(size, 0, 0.0).picture(data, header(data))
        # A JPEG at a scale hardly takes anything, so some bytes that are not its own count.
        assert peaks[kind, way] <= cost + 4_000_000, way
        assert peaks[kind, "whole"] >= 3 * WIDTH * HEIGHT


def test_a_photograph_is_cheap_where_it_is_decoded_at_a_scale():
    data = picture("jpeg", (WIDTH, HEIGHT))
    whole, scaled = (Cost(size, 0, 0.0).picture(data, header(data)) for size in (None, VIEW))
    assert whole == 12 * WIDTH * HEIGHT
    assert scaled == whole // 9 or scaled == whole // 4 or scaled == whole // 16
    assert Cost(None, 100, 3.0).picture(data, header(data)) == whole + 100 + 3 * WIDTH * HEIGHT


def test_what_is_prepared_is_measured(network):
    fixed = cost_of(network("a", "b").predictor, ("a", "b"), 3)
    assert (fixed.size, fixed.prepared, fixed.each) == (28, 28 * 28 * 3, 0)
    free = cost_of(two_spots(), ("dim", "bright"), 3)
    assert (free.size, free.prepared, free.each) == (None, 0, 3.0)
    assert free.frame(100, 200) == (18 + 3) * 100 * 200


def test_an_answer_takes_no_more_than_it_costs(serving, network, tmp_path, jpeg):
    classes = [f"{'é' * 40} {k}" for k in range(300)]
    path = tmp_path / "many.safetensors"
    network(*classes).save(path)
    client = serving(path)
    with client.app.state.service.shelf.borrow("many") as served:
        for most in (1, 20, 300):
            answer = client.upload(jpeg(), model="many", max_concepts=most)
            assert len(answer.content) <= served.cost.entries(most)
        numbers = np.zeros(served.cost.numbers, np.float32) + 0.123456789
        assert len(str(numbers.tolist())) <= served.cost.arrays()
