"""Masks on the page: each class in its color, where its pixels are."""

import io

import numpy as np
import torch
from PIL import Image
from tests.serving.page.test_page import file, give, ready

from striate.models import Normalization
from striate.recognizer import Recognizer
from striate.tasks.segmentation.networks import network
from striate.tasks.segmentation.reading import Reading
from striate.tasks.segmentation.segmenter import Segmenter
from striate.tasks.table import TASKS


def by_brightness() -> Recognizer:
    """Bright pixels are snow, the others are night."""
    architecture = {"network": "filter_bank", "waves": 1}
    model = network(architecture, 2)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.get_parameter("head.weight")[1, 0] = 1  # red, from -1 to 1
    reading = Reading(None, Normalization((127.5,) * 3, (127.5,) * 3))
    made = Segmenter(model, architecture, reading, 2)
    return Recognizer(TASKS["segmentation"], made, ("night", "snow"), {})


def picture() -> bytes:
    """Black, a quarter of it white on the right."""
    pixels = np.zeros((400, 600, 3), np.uint8)
    pixels[:, 450:] = 255
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_pixels_have_the_color_of_their_class(tmp_path, site, opened):
    by_brightness().save(tmp_path / "brightness.safetensors")
    tab = opened(site(tmp_path / "brightness.safetensors"))
    give(tab, [file("a.png", picture())])
    ready(tab)
    tab.wait_for_function("() => document.querySelectorAll('.pixels').length === 2")
    assert tab.locator(".object").all_inner_texts() == ["night\n75.0 %", "snow\n25.0 %"]
    tab.wait_for_function("() => document.querySelector('.sheet img').naturalWidth")
    shot = np.asarray(Image.open(io.BytesIO(tab.locator(".sheet").screenshot())).convert("RGB"))
    middle = shot[shot.shape[0] // 2].astype(int)
    places = [middle[int(len(middle) * share)] for share in (0.4, 0.7, 0.8, 0.95)]
    assert np.abs(places[0] - places[1]).max() < 8  # the night reaches to three quarters
    assert np.abs(places[2] - places[3]).max() < 8
    assert places[0].max() > 60  # black, half of it in a color
    assert places[3].min() < 235  # white, likewise
