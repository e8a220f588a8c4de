"""Pictures on the page that a model made of others."""

import io

import numpy as np
import torch
from PIL import Image
from tests.serving.page.test_page import file, give, ready

from striate.recognizer import Recognizer
from striate.tasks.style.judging import Judging
from striate.tasks.style.painter import Painter
from striate.tasks.style.reinhard import ColorStatistics
from striate.tasks.table import TASKS


def in_blue() -> Recognizer:
    """Every picture in shades of blue."""
    model = ColorStatistics()
    blue = torch.tensor([40.0, 60, 200])[:, None, None] * torch.linspace(0.5, 1.2, 16)
    model.fit(blue[None])
    painting = np.zeros((8, 8, 3), np.uint8)
    painter = Painter(model, {"network": "colors"}, painting, Judging("vgg16", None, 5.0, 1.0))
    return Recognizer(TASKS["style"], painter, (), {})


def test_what_was_made_stands_beside_the_picture(tmp_path, site, opened):
    in_blue().save(tmp_path / "blue.safetensors")
    pixels = np.tile(np.linspace(90, 250, 300)[None, :, None], (200, 1, 3)) * (1, 0.6, 0.4)
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, "PNG")
    tab = opened(site(tmp_path / "blue.safetensors"))
    give(tab, [file("red.png", buffer.getvalue())])
    ready(tab)
    tab.wait_for_function("() => document.querySelector('.made')?.naturalWidth === 300")
    assert "how a picture looks in the style of a painting" in tab.locator("#about").inner_text()
    shot = Image.open(io.BytesIO(tab.locator(".made").screenshot())).convert("RGB")
    red, _, blue = np.asarray(shot).reshape(-1, 3).mean(0)
    assert blue > 2 * red
    link = tab.locator(".result a[download]")
    assert link.get_attribute("download") == "red-blue.png"
    assert link.get_attribute("href").startswith("data:image/png;base64,")
    assert tab.locator(".made").bounding_box()["x"] > tab.locator(".sheet").bounding_box()["x"] + 99
