"""What every HTML page of ours has in common: `base.html.jinja`, whole files, small pictures.

A page extends the base and fills its blocks: `title`, `style` for what it alone needs, `body`.
"""

import base64
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from striate.data import Dataset
from striate.errors import ImageError
from striate.files import writing

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup
    from PIL import Image

THUMBNAIL = 160  # pixels of the longer side
ICON = 64  # below it, pictures are digits and icons: enlarged without blur
LINES = ("var(--mark)", "#f58231", "#3cb44b", "#911eb4", "#e6194b", "#008080", "#9a6324")


def line_color(number: int) -> str:
    """The color of a method's curves."""
    return LINES[number % len(LINES)]


def write_page(package: str, template: str, values: Mapping[str, Any], path: Path) -> Path:
    """Fills a template that lies in a package, every value escaped; returns the path.

    Raises:
        StorageError: if the page cannot be written; it is there whole or not at all.
    """
    page = _template(package, template).render(values)
    with writing(path) as temporary:
        temporary.write_text(page, encoding="utf-8", errors="replace")
    return path


def fragment(package: str, template: str, values: Mapping[str, Any]) -> "Markup":
    """A part of a page, from a template that lies in a package, every value escaped."""
    from markupsafe import Markup

    return Markup(_template(package, template).render(values))


def _template(package: str, name: str) -> "Template":
    from jinja2 import ChoiceLoader, Environment, PackageLoader

    loader = ChoiceLoader([PackageLoader(package, "."), PackageLoader(__name__, ".")])
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True)
    return environment.get_template(name)


def thumbnail(dataset: Dataset, row: int) -> str | None:
    """A small picture inside the page; None if its file has gone meanwhile."""
    from PIL import Image

    try:
        return embedded(Image.fromarray(dataset.inputs[row]))
    except ImageError:
        return None


def embedded(picture: "Image.Image", *, side: int = THUMBNAIL) -> str:
    """A picture, made small in place, as an address that holds it."""
    from PIL import Image

    picture.thumbnail((side, side))
    buffer = io.BytesIO()
    if max(picture.size) < ICON:
        width, height = picture.size
        picture = picture.resize((4 * width, 4 * height), Image.Resampling.NEAREST)
        picture.save(buffer, "PNG")
        kind = "png"
    else:
        picture.save(buffer, "JPEG", quality=80)
        kind = "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
