"""Objects on the page: boxes where the answer has them, a list that finds them, on every screen."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.serving.page.test_page import HOSTILE, file, film, give, ready
from tests.serving.toys import Marker

from striate.recognizer import Recognizer
from striate.tasks.table import TASKS

SCREENS = [{"width": 1280, "height": 900}, {"width": 390, "height": 844}]


@pytest.fixture
def shown(
    spots: Path, jpeg: Callable[..., bytes], site: Callable[..., str], opened: Callable[..., Any]
) -> Callable[..., Any]:
    """`shown(width=..., height=...)` is a tab with one picture and its objects."""

    def visit(**options: Any) -> Any:
        tab = opened(site(spots), **options)
        give(tab, [file("a.jpg", jpeg(size=(600, 400)))])
        ready(tab)
        tab.wait_for_function("() => document.querySelector('.sheet img').naturalWidth")
        return tab

    return visit


def place(tab: Any, box: Any) -> list[float]:
    """Left, top, right and bottom of a box as shares of the picture's sides."""
    outer, inner = tab.locator(".sheet img").bounding_box(), box.bounding_box()
    x = [(inner["x"] + add - outer["x"]) / outer["width"] for add in (0, inner["width"])]
    y = [(inner["y"] + add - outer["y"]) / outer["height"] for add in (0, inner["height"])]
    return [x[0], y[0], x[1], y[1]]


@pytest.mark.parametrize("screen", SCREENS, ids=lambda s: str(s["width"]))
def test_boxes_lie_where_the_answer_has_them(shown: Callable[..., Any], screen: Any) -> None:
    tab = shown(viewport=screen)
    assert tab.locator(".box").count() == 2
    labels = {box.inner_text(): box for box in tab.locator(".box").all()}
    assert place(tab, labels["bright 90 %"]) == pytest.approx([0.1, 0.2, 0.4, 0.5], abs=0.01)
    assert place(tab, labels["dim 60 %"]) == pytest.approx([0.5, 0.55, 0.9, 0.95], abs=0.01)
    assert tab.inner_text(".verdict") in ("bright, dim", "dim, bright")
    assert tab.locator(".object").all_inner_texts() == ["bright\n90.0 %", "dim\n60.0 %"]
    colors = [
        {tab.evaluate("e => getComputedStyle(e).getPropertyValue('--tint')", e.element_handle())
         for e in (box, tab.locator(".object").nth(number))}
        for number, box in enumerate((labels["bright 90 %"], labels["dim 60 %"]))
    ]  # fmt: skip
    assert [len(each) for each in colors] == [1, 1]  # a box and its entry have one color
    assert colors[0] != colors[1]
    wide = tab.evaluate("() => document.documentElement.scrollWidth")
    assert wide <= screen["width"]


def test_an_entry_finds_its_box_and_a_box_its_entry(shown: Callable[..., Any]) -> None:
    tab = shown()
    first, second = tab.locator(".object").nth(0), tab.locator(".object").nth(1)
    second.focus()
    tab.keyboard.press("Enter")
    assert second.get_attribute("aria-pressed") == "true"
    assert tab.locator(".box.meant").inner_text() == "dim 60 %"
    first.hover()  # what is under the pointer is meant, as long as it is there
    assert tab.locator(".box.meant").inner_text() == "bright 90 %"
    tab.mouse.move(5, 5)
    assert tab.locator(".box.meant").inner_text() == "dim 60 %"
    tab.locator(".box").filter(has_text="bright").click()
    assert first.get_attribute("aria-pressed") == "true"
    assert second.get_attribute("aria-pressed") == "false"
    tab.locator(".box").filter(has_text="bright").click()
    tab.mouse.move(5, 5)
    assert tab.locator("[aria-pressed=true]").count() == 0
    assert tab.locator(".box.meant").count() == 0


def test_a_finger_on_a_box(shown: Callable[..., Any]) -> None:
    tab = shown(viewport=SCREENS[1], has_touch=True)
    tab.locator(".box").filter(has_text="dim").tap()
    assert tab.locator(".object.meant .word").inner_text() == "dim"
    tab.locator(".sheet").tap(position={"x": 3, "y": 3})
    assert tab.locator(".object.meant").count() == 0


def test_a_class_alone_and_a_higher_score(shown: Callable[..., Any]) -> None:
    tab = shown()
    tab.locator(".kind").filter(has_text="dim").click()
    assert tab.locator(".object .word").all_inner_texts() == ["dim"]
    assert tab.locator(".box").count() == 1
    tab.locator(".kind[aria-pressed=true]").click()
    assert tab.locator(".object").count() == 2
    tab.locator(".least input").fill("70")
    assert tab.locator(".object .word").all_inner_texts() == ["bright"]
    assert tab.inner_text(".least output") == "70 %"


def test_many_objects_and_names_that_look_like_html(
    tmp_path: Path, spots: Path, jpeg: Callable[..., bytes],
    site: Callable[..., str], opened: Callable[..., Any],
) -> None:  # fmt: skip
    path = tmp_path / "many.safetensors"
    corner = torch.arange(30)[:, None] / 40
    marker = Marker(
        torch.cat([corner, corner, corner + 0.2, corner + 0.2], 1),
        torch.zeros(30, dtype=torch.int64),
        torch.linspace(0.99, 0.6, 30),
    )
    Recognizer(TASKS["marking"], marker, (HOSTILE,)).save(path)
    tab = opened(site(path))
    give(tab, [file("a.jpg", jpeg(size=(300, 300)))])
    ready(tab)
    assert tab.locator(".box").count() == 30
    assert tab.locator(".object").count() == 8
    tab.get_by_role("button", name="Show 22 more").click()
    assert tab.locator(".object").count() == 30
    assert tab.locator(".object .word").first.inner_text() == HOSTILE
    assert tab.inner_text(".verdict") == f"{HOSTILE} × 30"
    assert tab.locator("img[onerror]").count() == 0


def test_a_picture_without_any(
    tmp_path: Path, spots: Path, jpeg: Callable[..., bytes],
    site: Callable[..., str], opened: Callable[..., Any],
) -> None:  # fmt: skip
    path = tmp_path / "none.safetensors"
    empty = torch.zeros(0, dtype=torch.int64)
    Recognizer(TASKS["marking"], Marker(torch.zeros(0, 4), empty, torch.zeros(0)), ("a",)).save(
        path
    )
    tab = opened(site(path))
    give(tab, [file("a.jpg", jpeg())])
    ready(tab)
    assert tab.inner_text(".verdict") == "Nothing found"
    assert tab.locator(".box, .object").count() == 0


def test_a_video_of_objects(
    tmp_path: Path, spots: Path, site: Callable[..., str], opened: Callable[..., Any]
) -> None:
    tab = opened(site(spots))
    give(tab, film(tmp_path / "film.mp4"))
    ready(tab)
    assert tab.locator(".moment").count() == 4
    assert tab.locator(".moment .word").first.inner_text() in ("bright, dim", "dim, bright")
    assert tab.locator(".lanes .word").all_inner_texts() == ["bright", "dim"]
    tab.locator(".moment").nth(3).locator("canvas[height='90']").wait_for()
    tint = tab.evaluate(
        """() => { const c = document.querySelector('.moment canvas');
        const [x, y] = [Math.round(0.25 * c.width), Math.round(0.2 * c.height)];
        const p = c.getContext('2d').getImageData(x, y, 1, 1);
        return Array.from(p.data); }"""
    )
    assert max(tint[:3]) - min(tint[:3]) > 60  # the film is gray, the outline is not
