"""A classifier that is a bag of visual words (`striate.handcrafted`)."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self, cast

import torch
from torch import Tensor

from striate.errors import ModelError
from striate.handcrafted import BagOfVisualWords, Settings
from striate.images import View
from striate.inference import Preprocessing
from striate.inference.program import Graph
from striate.models import Normalization
from striate.tasks.classification.predictor import Classifier, number, parts_of
from striate.tasks.contract import Predictor

MOST_LEVELS = 32  # of a spatial pyramid
PLAIN = Normalization((0.0,), (1.0,))  # gray levels as they are


@dataclass(eq=False, kw_only=True)
class VisualWords(Classifier):
    """Visual words, a spatial pyramid and a linear classifier; computed by torch on the CPU."""

    kind: ClassVar[str] = "visual_words"

    @classmethod
    def of(cls, model: BagOfVisualWords, view: View) -> Self:
        """What was learned from pictures in a view."""
        return cls(
            model=model.eval(),
            preprocessing=Preprocessing(view, PLAIN),
            classes=model.head.out_features,
        )

    def form(self) -> dict[str, Any]:
        return {"settings": asdict(cast(BagOfVisualWords, self.model).settings)}

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        settings = settings_from_json(header["settings"])
        with torch.device("meta"):
            skeleton = BagOfVisualWords(classes=len(names), settings=settings)
        own, rest = parts_of(tensors, header, skeleton)
        side = rest["preprocessing"].view.size
        if (  # no tensor's shape depends on these
            settings.side != side
            or not 1 <= settings.step <= side
            or not all(1 <= size <= side for size in settings.bin_sizes)
            or not 1 <= len(settings.bin_sizes) <= side
        ):
            raise ValueError(f"its visual words do not read pictures of {side} x {side} pixels")
        model = BagOfVisualWords(classes=len(names), settings=settings)
        model.load_state_dict(own)
        return cls(model=model.eval(), classes=len(names), **rest)

    def computed_by(self, engine: str) -> Predictor:
        return self if engine == "auto" else super().computed_by(engine)

    def graph(self, *, single: bool = False) -> Graph:
        raise ModelError(
            "a hand-crafted recognizer finds its visual words by search, which is not a graph that "
            "can be exported; keep its .safetensors file, or export another method's"
        )


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


def whole(value: object) -> int:
    """A whole number of a header.

    Raises:
        TypeError: if it is not one.
    """
    if type(value) is not int:
        raise TypeError(f"it has {value!r} where a whole number is expected")
    return value
