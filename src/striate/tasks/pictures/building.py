"""Networks and visual words built again from what a file says of them."""

from typing import Any

from torch import nn

from striate.errors import WeightsError, one_line
from striate.handcrafted import BagOfVisualWords, Settings
from striate.models import Normalization, create
from striate.models.dbn import DBN, dbn
from striate.models.multilevel import multilevel
from striate.models.regional import regional
from striate.models.skeletons import skeleton
from striate.models.weldon import weldon
from striate.tasks.pictures.predictor import number, whole

PLAIN = Normalization((0.0,), (1.0,))  # gray levels as they are
WELDON = "weldon"  # an architecture that is made of a network with a name
BELIEF, LABELED = "dbn", "dbn_labels"  # networks that are no entry of `striate.models.NETWORKS`
MOST_LEVELS = 32  # of a spatial pyramid


def build(architecture: dict[str, Any], classes: int) -> nn.Module:
    """The network that a header names, with fresh weights.

    Raises:
        WeightsError: if the network is not one that striate can build.
        UnknownName, ValueError: if it has no such option.
    """
    name, options = architecture["name"], architecture.get("options", {})
    if name is None:
        kind = one_line(architecture.get("kind"))
        raise WeightsError(
            f"the file holds a network of the user's own ({kind}): "
            "build it and call striate.load(path, model=...)"
        )
    if "weights" in options:  # a recognizer brings its own, and names no other file to open
        raise ValueError(f"its {name} asks for other weights: {options['weights']!r}")
    if name == WELDON:
        return weldon(classes, **options)
    if name == BELIEF:
        return dbn(classes=classes, **options)
    if name == LABELED:
        return DBN(**{**options, "shape": tuple(map(whole, options["shape"]))}, labels=classes)
    model = create(name, classes=classes, **options)
    if maps := architecture.get("maps"):
        return multilevel(model, tuple(map(str, maps)), classes=classes)
    strips = whole(architecture.get("strips", 0))
    return regional(model, strips, classes=classes) if strips else model


def settings_from_json(values: dict[str, Any]) -> Settings:
    """The settings that `asdict` turned into JSON.

    Raises:
        ValueError, LookupError, TypeError: if they are not of that form, or have more cells than a
            picture has use for.
    """
    if len(values["levels"]) > MOST_LEVELS:
        raise ValueError(f"it has {len(values['levels']):,} levels of cells")
    return Settings(
        **{
            **values,
            **{name: whole(values[name]) for name in ("side", "step", "words", "neighbors")},
            **{name: number(values[name]) for name in ("flat", "sharpness")},
            "bin_sizes": tuple(map(whole, values["bin_sizes"])),
            "levels": tuple((whole(rows), whole(columns)) for rows, columns in values["levels"]),
        }
    )


def words_of(settings: Settings, classes: int, side: int) -> BagOfVisualWords:
    """Visual words that read pictures of so many pixels a side, without memory.

    Raises:
        ValueError: if they read others: no tensor's shape depends on that.
    """
    if (
        settings.side != side
        or not 1 <= settings.step <= side
        or not all(1 <= size <= side for size in settings.bin_sizes)
        or not 1 <= len(settings.bin_sizes) <= side
    ):
        raise ValueError(f"its visual words do not read pictures of {side} x {side} pixels")
    with skeleton():
        return BagOfVisualWords(classes=classes, settings=settings)
