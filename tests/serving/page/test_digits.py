"""LeNet-5 in the browser says what torch says, and reads what people draw."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import striate
from striate.serving import app

FILE = app.PAGE / "digits" / "lenet5.safetensors"
MAIN = "const m = await import('/page/digits/main.js');"
PAINTED = "() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"
LAYERS = ("c1", "s2", "c3", "s4", "c5", "f6", "output")


@pytest.fixture
def digits(address: str, opened: Callable[..., Any]) -> Callable[..., Any]:
    """`digits()` is a tab with the page, ready."""

    def visit(view: str = "flat", **options: Any) -> Any:
        tab = opened(f"{address}/page/digits.html?{view}", **options)
        tab.wait_for_selector("html[data-ready]", state="attached")
        return tab

    return visit


def test_the_file_says_how_it_was_made_and_how_it_scored(shared: Callable[[str], Path]) -> None:
    recognizer = striate.load(FILE)
    images, labels = first_test_digits(shared, 1000)
    answers = recognizer.predictor.predict(list(images[..., None].copy()))
    found = np.array([answer.probabilities.argmax() for answer in answers])
    assert (found == labels).mean() >= 0.99
    assert recognizer.provenance["test"] == {"images": 10_000, "top1": 0.9962}
    assert recognizer.provenance["recipe"]["epochs"] == 12
    assert FILE.stat().st_size < 260_000


def test_every_layer_equals_torch(digits: Callable[..., Any]) -> None:
    model, tab = striate.load(FILE).predictor.inside()[0].eval(), digits()
    ink = np.random.default_rng(0).random((28, 28), dtype=np.float32)
    with torch.inference_mode():
        images = torch.from_numpy(ink)[None, None]
        expected = {**model.features(images), "output": model(images)}
    found = tab.evaluate(
        f"async (ink) => {{ {MAIN} m.network.forward(Float32Array.from(ink));"
        "return m.network.values.map((v) => Array.from(v)); }",
        ink.ravel().tolist(),
    )
    border = np.pad(ink, 2)
    np.testing.assert_array_equal(np.float32(found[0]), border.ravel())
    for name, values in zip(LAYERS, found[1:], strict=True):
        np.testing.assert_allclose(values, expected[name].ravel().numpy(), atol=1e-4, err_msg=name)


def test_a_node_is_the_sum_of_what_it_reads(digits: Callable[..., Any]) -> None:
    wrong = digits().evaluate(
        f"""async () => {{ {MAIN} const n = m.network, wrong = [];
        n.values.forEach((values, k) => {{
          for (let i = 0; k > 0 && i < values.length; i += 97) {{
            const {{ indices, weights, bias, groups, height, width }} = n.inputs(k, i);
            const read = Array.from(indices, (at) => n.values[k - 1][at]);
            const sum = weights ? read.reduce((s, x, j) => s + x * weights[j], bias)
              : Math.max(...read);
            const value = k === 7 ? sum : Math.max(sum, 0);
            if (!(Math.abs(value - values[i]) < 1e-4)) wrong.push([k, i, value, values[i]]);
            if (groups * height * width !== indices.length) wrong.push([k, i, "form"]);
          }}
        }}); return wrong; }}"""
    )
    assert wrong == []


def test_ink_lies_as_in_mnist(digits: Callable[..., Any]) -> None:
    for stroke in ([[0.1, 0.1], [0.15, 0.3], [0.12, 0.4]], [[0.2, 0.9], [0.9, 0.88]]):
        ink = np.float64(digits().evaluate(
            "async (s) => Array.from((await import('/page/digits/ink.js')).render([s]))", stroke
        )).reshape(28, 28)  # fmt: skip
        rows, columns = ink.sum(1) @ np.arange(28), ink.sum(0) @ np.arange(28)
        assert rows / ink.sum() == pytest.approx(14, abs=0.1)
        assert columns / ink.sum() == pytest.approx(14, abs=0.1)
        box = [np.flatnonzero((ink > 0.5).any(axis)) for axis in (0, 1)]
        assert max(np.ptp(line) + 1 for line in box) == pytest.approx(20, abs=1)


def test_ten_real_digits_drawn_stroke_by_stroke(
    digits: Callable[..., Any], shared: Callable[[str], Path]
) -> None:
    images, labels = first_test_digits(shared, 200)
    tab, said = digits(), []
    for layer in tab.locator("#layers input").all():
        layer.uncheck()  # what is not shown is not painted: this is about the answers
    for digit in range(10):  # the first of each in the order of the file
        tab.click("#clear")
        box = tab.locator("#pad").bounding_box()
        for stroke in strokes_of(images[labels == digit][0]):
            points = box["x"] + stroke[:, 0] * box["width"], box["y"] + stroke[:, 1] * box["height"]
            tab.mouse.move(points[0][0], points[1][0])
            tab.mouse.down()
            for x, y in zip(*points, strict=True):
                tab.mouse.move(x, y)
            tab.mouse.up()
        tab.evaluate(
            "() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"
        )
        said.append(tab.inner_text("#answer"))
    assert said == [str(digit) for digit in range(10)]


def test_keys_draw_a_one_and_the_answer_is_said(digits: Callable[..., Any]) -> None:
    tab = digits()
    tab.focus("#pad")
    tab.keyboard.press("Escape")
    tab.evaluate(PAINTED)
    assert tab.inner_text("#answer") == "–"
    tab.keyboard.press("Space")
    for _ in range(10):
        tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Space")
    tab.get_by_text("1, ", exact=False).and_(tab.locator("#said")).wait_for(state="attached")
    assert tab.inner_text("#answer") == "1"
    tab.keyboard.press("Backspace")
    assert tab.evaluate(f"async () => {{ {MAIN} return m.pad.strokes.length; }}") == 0


def test_samples_are_read_as_what_they_are(digits: Callable[..., Any]) -> None:
    tab, said = digits(reduced_motion="reduce"), []
    for digit in range(10):
        tab.get_by_role("button", name=f"Write a {digit}").click()
        tab.evaluate(
            "() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"
        )
        said.append(tab.inner_text("#answer"))
    assert said == [str(digit) for digit in range(10)]


def test_nodes_in_space_are_picked_where_they_stand(digits: Callable[..., Any]) -> None:
    tab = digits("space")
    assert tab.evaluate(f"async () => {{ {MAIN} return m.scene.gl.getError(); }}") == 0
    picked = tab.evaluate(
        f"""async () => {{ {MAIN} const s = m.scene, at = [0, 0];
        return s.layers.map(({{ places, values, rise, size, count }}, layer) => {{
          const node = count - 1, high = 0.3 * Math.min(size, 1.5) + rise * values[node];
          s.camera.project(places[3 * node], places[3 * node + 1] + high, places[3 * node + 2], at);
          const found = s.pick(...at);
          return found !== null && found.layer === layer && found.node === node;
        }}); }}"""
    )
    assert picked == [True] * 8
    painted = tab.evaluate(
        f"""async () => {{ {MAIN} m.scene.paint(); const g = m.scene.gl, c = m.scene.canvas;
        const p = new Uint8Array(4 * c.width * c.height);
        g.readPixels(0, 0, c.width, c.height, g.RGBA, g.UNSIGNED_BYTE, p);
        return p.filter((v, k) => k % 4 === 3 && v > 0).length / c.width / c.height; }}"""
    )
    assert 0.02 < painted < 0.9
    tab.get_by_role("checkbox", name="C1").uncheck()
    assert tab.evaluate(f"async () => {{ {MAIN} return m.scene.layers[1].shown; }}") is False


def test_without_webgl_the_layers_are_flat_and_a_node_can_be_chosen(
    address: str, opened: Callable[..., Any]
) -> None:
    tab = opened(
        f"{address}/page/digits.html",
        before="""const get = HTMLCanvasElement.prototype.getContext;
        HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
          return kind === "webgl2" ? null : get.call(this, kind, ...more); };""",
        color_scheme="dark",
    )
    tab.wait_for_selector("html[data-ready]", state="attached")
    assert tab.is_visible("#flat canvas.c3")
    assert "no WebGL 2" in tab.inner_text("#why")
    tab.select_option("[name=layer]", label="C3")
    assert tab.inner_text("[data-part=title]").startswith("C3, map")
    terms = tab.locator("[data-part=sum] dt").all_inner_texts()
    assert terms == ["sum of the products", "bias", "together", "rectified"]


def first_test_digits(
    shared: Callable[[str], Path], count: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The first test images of MNIST (count, 28, 28) and what they are."""
    folder = shared("data/mnist")
    with gzip.open(folder / "t10k-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(16 + 784 * count), np.uint8, offset=16)
    with gzip.open(folder / "t10k-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(8 + count), np.uint8, offset=8)
    return images.reshape(-1, 28, 28), labels


def strokes_of(image: NDArray[np.uint8]) -> list[NDArray[np.float64]]:
    """The middle of a written digit's lines as strokes (points, 2), x and y in [0, 1]."""
    from skimage.morphology import skeletonize
    from skimage.transform import resize

    large = resize(image / 255.0, (112, 112), order=1)
    left = {(int(y), int(x)) for y, x in np.argwhere(skeletonize(large > 0.4))}
    seen: set[tuple[int, int]] = set()
    strokes = []
    while left:
        point = min(left, key=lambda p: (len(around(p, left)), p))
        stroke = [*around(point, seen)[:1], point]  # goes on where a line was drawn before
        while True:
            left.discard(point)
            seen.add(point)
            following = around(point, left)
            if not following:
                break
            point = following[0]
            stroke.append(point)
        if len(stroke) > 2:
            strokes.append(np.array([*stroke[:-1:16], stroke[-1]])[:, ::-1] / 112)
    return strokes


def around(point: tuple[int, int], points: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those of the eight neighbors that are among the points, the nearest first."""
    steps = ((0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1))
    return [p for dy, dx in steps if (p := (point[0] + dy, point[1] + dx)) in points]
