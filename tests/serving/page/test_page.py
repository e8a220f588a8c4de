"""The page of the service in a browser: pictures, videos, languages, keys, and what goes wrong."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from striate.recognizer import Recognizer
from striate.serving.app import PAGE
from striate.serving.keys import Keys

HOSTILE = "<img src=x onerror=alert(1)>"


def ready(tab: Any) -> None:
    """Waits until every answer is there."""
    tab.wait_for_selector(".result:not([aria-busy])")
    while tab.locator("[aria-busy]").count():
        tab.wait_for_timeout(50)


def give(tab: Any, files: Any) -> None:
    """Gives files to the page, once it is ready to take them."""
    tab.wait_for_selector("#drop")
    tab.set_input_files("#files", files)


def file(name: str, data: bytes, kind: str = "image/jpeg") -> dict[str, Any]:
    return {"name": name, "mimeType": kind, "buffer": data}


def test_pictures_get_tags_in_their_order_and_a_broken_one_gets_words(
    model: Path, jpeg: Callable[..., bytes], site: Callable[..., str], opened: Callable[..., Any]
) -> None:
    tab = opened(site(model))
    given = [file("a.jpg", jpeg(0)), file("b.jpg", b"no picture"), file("c.jpg", jpeg(1))]
    give(tab, given)
    ready(tab)
    assert tab.locator(".name").all_inner_texts() == ["a.jpg", "b.jpg", "c.jpg"]
    assert (
        tab.locator(".result")
        .nth(1)
        .locator(".wrong")
        .inner_text()
        .startswith("This picture cannot be read")
    )
    first = tab.locator(".result").first
    assert first.locator(".verdict").inner_text() in ("bars", "dots", "waves")
    shares = [float(text.split()[0]) for text in first.locator(".share").all_inner_texts()]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(100, abs=0.2)
    assert not tab.is_visible("#link")  # links are not allowed here
    tab.click("#forget")
    assert tab.locator(".result").count() == 0


def test_a_tag_shows_where_it_is(
    model: Path, jpeg: Callable[..., bytes], site: Callable[..., str], opened: Callable[..., Any]
) -> None:
    tab = opened(site(model))
    give(tab, [file("a.jpg", jpeg())])
    ready(tab)
    tag = tab.locator(".tag").first
    tag.focus()
    tab.keyboard.press("Enter")
    tab.get_by_text(re.compile("^(Red: hidden there|No single place)")).first.wait_for()
    assert tag.get_attribute("aria-pressed") == "true"
    assert (tab.locator(".heat:visible").count() == 1) == tab.get_by_text("Red:").first.is_visible()
    tab.keyboard.press("Enter")
    assert tab.locator(".heat:visible").count() == 0


def test_none_of_these_and_names_that_look_like_html(
    tmp_path: Path, network: Callable[..., Recognizer], jpeg: Callable[..., bytes],
    site: Callable[..., str], opened: Callable[..., Any],
) -> None:  # fmt: skip
    path = tmp_path / "shy.safetensors"
    network(HOSTILE, "other", threshold=1.0).save(path)
    tab = opened(site(path))
    give(tab, [file(f"{HOSTILE}.jpg", jpeg())])
    ready(tab)
    assert tab.inner_text(".verdict") == "None of these"
    assert HOSTILE in tab.locator(".tag .word").all_inner_texts()
    assert tab.locator("img[onerror]").count() == 0


def test_names_change_their_language_without_another_upload(
    model: Path, jpeg: Callable[..., bytes], site: Callable[..., str], opened: Callable[..., Any]
) -> None:
    words = {"bars": "Balken", "dots": "Punkte", "waves": "Wellen"}
    model.with_name("photos.names.de.json").write_text(json.dumps(words))
    tab = opened(site(model), locale="en-US")
    give(tab, [file("a.jpg", jpeg())])
    ready(tab)
    assert set(tab.locator(".tag .word").all_inner_texts()) == set(words)
    uploads: list[str] = []
    tab.on("request", lambda request: uploads.append(request.url) if "upload" in request.url else 0)
    tab.select_option("#language", "de")
    tab.get_by_text("Balken").first.wait_for()
    assert set(tab.locator(".tag .word").all_inner_texts()) == set(words.values())
    tab.select_option("#language", "")
    tab.get_by_text("bars").first.wait_for()
    assert uploads == []


def test_a_key_is_asked_for_and_a_wrong_one_is_told(
    tmp_path: Path, model: Path, site: Callable[..., str], opened: Callable[..., Any]
) -> None:
    database = f"sqlite:///{tmp_path / 'keys.db'}"
    keys = Keys(database)
    key = keys.add("page")
    keys.close()
    tab = opened(site(model, keys=database))
    tab.fill("#key-field", "striate_wrong")
    tab.keyboard.press("Enter")
    tab.get_by_text("not valid here").wait_for()
    tab.fill("#key-field", key)
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#drop")
    assert not tab.is_visible("#key")


def test_a_video_is_a_line_of_moments(
    tmp_path: Path, model: Path, site: Callable[..., str], opened: Callable[..., Any]
) -> None:
    tab = opened(site(model))
    give(tab, film(tmp_path / "film.mp4"))
    ready(tab)
    moments = tab.locator(".moment")
    assert moments.count() == 4
    assert moments.nth(1).get_attribute("aria-label").startswith("0:00.5, ")
    assert 1 <= tab.locator(".lanes li").count() <= 3
    moments.nth(3).locator("canvas[height='90']").wait_for()
    moments.nth(2).click()
    assert tab.evaluate("() => document.querySelector('.frame video').currentTime") == 1


def test_the_camera_is_a_source(
    model: Path, site: Callable[..., str], opened: Callable[..., Any]
) -> None:
    tab = opened(site(model), permissions=["camera"])
    tab.click("#webcam")
    tab.wait_for_selector("#lens")
    tab.wait_for_timeout(300)
    tab.click("#shoot")
    ready(tab)
    assert tab.inner_text(".name") == "Camera 1.jpg"
    tab.click("#stop")
    assert not tab.is_visible("#lens")


def test_a_link_the_service_may_not_follow_is_told(
    model: Path, site: Callable[..., str], opened: Callable[..., Any]
) -> None:
    tab = opened(site(model, allow_links=True), viewport={"width": 360, "height": 740})
    tab.fill("#link-field", "http://127.0.0.1/cat.jpg")
    tab.keyboard.press("Enter")
    ready(tab)
    assert "may follow" in tab.inner_text(".result .wrong")
    wide = tab.evaluate("() => document.documentElement.scrollWidth")
    assert wide <= 360  # nothing runs out of a phone's screen


def test_letters_are_told_from_what_they_stand_on() -> None:
    style = (PAGE / "base.css").read_text()
    for colors in (style.split("@media")[0], style.split("@media")[1]):
        found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", colors))
        for ink in ("ink", "quiet", "accent", "bad"):
            for paper in ("paper", "card"):
                assert contrast(found[ink], found[paper]) >= 4.5, (ink, paper)
        assert contrast(found["on-accent"], found["accent"]) >= 4.5
        assert contrast(found["accent"], found["wash"]) >= 4.5
        assert contrast(found["edge"], found["card"]) >= 3  # what is no letter


def test_nothing_comes_from_elsewhere_and_nothing_is_read_as_html() -> None:
    for path in PAGE.rglob("*"):
        if path.suffix in (".html", ".css", ".js", ".svg"):
            text = path.read_text()
            links = set(re.findall(r"""(?:src|href|url\(|from|import)\W{1,3}https?:""", text))
            assert not links, path
            assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|\bon\w+=|<style", text), (
                path
            )


def film(path: Path) -> Path:
    """Two seconds of two pictures."""
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for k in range(20):
            pixels = np.full((120, 160, 3), 40 if k < 10 else 200, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        out.mux(stream.encode())
    return path


def contrast(one: str, other: str) -> float:
    """WCAG 2's contrast ratio of two colors, 1 to 21.

    >>> contrast("#ffffff", "#000000")
    21.0
    """
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(color: str) -> float:
    shares = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))
