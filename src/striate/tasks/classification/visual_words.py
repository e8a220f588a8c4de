"""A classifier that is a bag of visual words (`striate.handcrafted`)."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self, cast

from torch import Tensor

from striate.errors import ModelError
from striate.handcrafted import BagOfVisualWords
from striate.images import View
from striate.inference import Preprocessing
from striate.inference.program import Graph
from striate.tasks.classification.predictor import Classifier, parts_of
from striate.tasks.contract import Predictor
from striate.tasks.pictures.building import PLAIN, settings_from_json, words_of


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
        side = Preprocessing.from_json(header["preprocessing"]).view.size
        own, rest = parts_of(tensors, header, words_of(settings, len(names), side))
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
