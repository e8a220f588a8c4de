"""Recordings on the page: words at their times, what cannot be read, and the microphone."""

from tests.serving.page.test_page import file, give, ready
from tests.serving.words import two_words, wav


def test_words_lie_where_they_are_said_and_the_microphone_is_heard(tmp_path, site, opened):
    tab = opened(site(two_words(tmp_path / "calls.safetensors")))
    give(tab, [file("a.wav", wav(1.5), "audio/wav"), file("b.wav", b"RIFF", "audio/wav")])
    ready(tab)
    assert tab.locator("#title").inner_text() == "What is said?"
    first, second = tab.locator(".result").nth(0), tab.locator(".result").nth(1)
    first.locator(".spoken button").first.wait_for()
    words = first.locator(".spoken button").all_inner_texts()
    assert " ".join(words) == first.locator(".verdict").inner_text()
    places = [each.bounding_box()["x"] for each in first.locator(".spoken li").all()]
    assert places == sorted(places)
    assert second.locator(".wrong").inner_text().startswith("This recording cannot be read")
    tab.click("#microphone")  # Chromium's own beeps
    tab.wait_for_timeout(600)
    tab.click("#microphone")
    tab.get_by_text("Recording 1.wav", exact=True).wait_for()
    ready(tab)
    assert tab.locator(".result").first.locator(".verdict").count() == 1
