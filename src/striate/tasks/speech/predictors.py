"""What is deployed: acoustic scores by mixtures or by a network, and the search for words."""

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.audio import Filters
from striate.data.recordings import Spectra
from striate.hmm import Mixtures
from striate.inference import evaluating
from striate.inference.devices import device_of
from striate.inference.program import Graph
from striate.inference.reading import Input
from striate.models.acoustic import AcousticCNN, AcousticDNN
from striate.models.skeletons import skeleton
from striate.tasks.contract import Predictor
from striate.tasks.speech import grammars
from striate.tasks.speech.answers import Answer
from striate.tasks.speech.decoding import Language
from striate.tasks.speech.features import CHANNELS, cepstral, spectra, spectral
from striate.tasks.speech.windows import CONTEXT, of_all

NETWORKS: dict[str, type[nn.Module]] = {"dnn": AcousticDNN, "cnn": AcousticCNN}
CHUNK = 1024  # frames that go through a network at a time
MOST = 2**27  # numbers of a network that a file may ask for


class Recognizing(Predictor):
    """Anything that scores frames, with a language.

    Args:
        filters: how recordings become features.
    """

    largest_batch = 32

    def __init__(self, filters: Filters, language: Language):
        self.filters, self.language = filters, language

    def blank(self, times: int = 1) -> NDArray[np.float32]:
        """Seconds of silence."""
        return np.zeros(times * self.filters.rate, np.float32)

    def prepare(self, item: Input) -> Spectra:
        return spectra(item, self.filters)

    @abstractmethod
    def scores(self, found: Sequence[Spectra]) -> list[NDArray[np.float32]]:
        """(T, P) of each recording: log p(frame | state), up to what all states share."""

    def predict(self, batch: Sequence[Spectra]) -> list[Answer]:
        return self.language.decode(self.scores(batch), [each[:, -1] for each in batch])

    @property
    def parameters(self) -> int:
        """Numbers of the acoustic model and of the grammar."""
        return sum(each.numel() for each in self.tensors().values() if each.is_floating_point())

    def tensors(self) -> dict[str, Tensor]:
        return {**self.searched(), **self.acoustic()}

    def searched(self) -> dict[str, Tensor]:
        """What is stored of the language, beside its lexicon."""
        stays = torch.from_numpy(self.language.stays)
        return {"stays": stays, **grammars.stored(self.language.grammar)}

    @abstractmethod
    def acoustic(self) -> dict[str, Tensor]:
        """What is stored of the acoustic model."""

    def header(self) -> dict[str, Any]:
        return {
            "filters": asdict(self.filters),
            "lexicon": grammars.spelled(self.language.lexicon),
            "order": self.language.grammar.order,
            "scale": self.language.scale,
            "penalty": self.language.penalty,
        }


def language_of(tensors: dict[str, Tensor], header: dict[str, Any]) -> tuple[Filters, Language]:
    """What `Recognizing` stores.

    Raises:
        ValueError, LookupError, TypeError: if it does not belong together.
    """
    filters = Filters(**header["filters"])
    lexicon = grammars.read(header["lexicon"])
    grammar = grammars.restored(tensors, len(lexicon.words), int(header["order"]))
    stays = tensors["stays"].double().numpy()
    scale, penalty = float(header["scale"]), float(header["penalty"])
    if stays.shape != (lexicon.pdfs,) or not ((stays > 0) & (stays < 1)).all():
        raise ValueError(f"{len(stays)} durations for {lexicon.pdfs} states")
    if not (math.isfinite(scale) and scale >= 0 and math.isfinite(penalty)):
        raise ValueError(f"its grammar counts {scale}, and a word {penalty}")
    if not filters.energy:
        raise ValueError("its features lack the energy")
    step = filters.step / filters.rate
    return filters, Language(lexicon, grammar, stays, scale, penalty, step)


class MixtureRecognizer(Recognizing):
    """A mixture of Gaussians for each state."""

    kind: ClassVar[str] = "gmm-hmm"

    def __init__(self, filters: Filters, language: Language, mixtures: Mixtures):
        super().__init__(filters, language)
        self.mixtures = mixtures

    def scores(self, found: Sequence[Spectra]) -> list[NDArray[np.float32]]:
        return [self.mixtures.score(each) for each in cepstral(found, self.filters)]

    def graph(self, *, single: bool = False) -> Graph:
        from striate.tasks.speech.graph import WholeMixtures, graph_of

        return graph_of(self, WholeMixtures(self))

    def acoustic(self) -> dict[str, Tensor]:
        names = ("weights", "means", "variances", "floor")
        return {name: torch.from_numpy(getattr(self.mixtures, name)) for name in names}

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        filters, language = language_of(tensors, header)
        parts = ("weights", "means", "variances", "floor")
        mixtures = Mixtures(*(tensors[name].double().numpy() for name in parts))
        if len(mixtures.weights) != language.lexicon.pdfs:
            raise ValueError(f"{len(mixtures.weights)} mixtures, {language.lexicon.pdfs} states")
        if mixtures.means.shape[2] != 13 * CHANNELS:
            raise ValueError(f"mixtures of {mixtures.means.shape[2]} features")
        return cls(filters, language, mixtures)


class NetworkRecognizer(Recognizing):
    """The hybrid: a network's posteriors divided by priors (Bourlard & Morgan 1994).

    Args:
        model: windows (N, T, C, D) to logits (N, P).
        plan: its name in NETWORKS and the sizes it was built with.
        shift, spread: (C * D,) mean and standard deviation of the training features.
        priors: (P,) logarithms of how often each state was seen.
    """

    kind: ClassVar[str] = "network-hmm"

    def __init__(
        self, filters: Filters, language: Language, model: nn.Module, plan: dict[str, Any],
        shift: Tensor, spread: Tensor, priors: Tensor,
    ):  # fmt: skip
        super().__init__(filters, language)
        self.model, self.plan = model.eval(), plan
        self.shift, self.spread, self.priors = shift, spread, priors

    def standard(self, found: Sequence[Spectra]) -> list[Tensor]:
        """Features (T, C, D) as the network reads them."""
        every = [torch.from_numpy(each) for each in spectral(found)]
        return [((each - self.shift) / self.spread).view(len(each), CHANNELS, -1) for each in every]

    def scores(self, found: Sequence[Spectra]) -> list[NDArray[np.float32]]:
        return [self.posteriors(each) - self.priors.numpy() for each in self.standard(found)]

    def posteriors(self, features: Tensor) -> NDArray[np.float32]:
        """(T, P) logarithms of p(state | window) of one recording (T, C, D)."""
        windows, device = of_all(features), device_of(self.model)
        with evaluating(self.model):
            parts = [self.model(some.to(device)).cpu() for some in windows.split(CHUNK)]
        found: NDArray[np.float32] = torch.cat(parts).log_softmax(1).numpy()
        return found

    def graph(self, *, single: bool = False) -> Graph:
        from striate.tasks.speech.graph import WholeNetwork, graph_of

        return graph_of(self, WholeNetwork(self))

    def acoustic(self) -> dict[str, Tensor]:
        own = {"shift": self.shift, "spread": self.spread, "priors": self.priors}
        return own | {f"model.{name}": each for name, each in self.model.state_dict().items()}

    def header(self) -> dict[str, Any]:
        return super().header() | {"network": self.plan}

    def to(self, device: str) -> None:
        self.model.to(device)

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        filters, language = language_of(tensors, header)
        plan = dict(header["network"])
        weights = {
            name.removeprefix("model."): each
            for name, each in tensors.items()
            if name.startswith("model.")
        }
        model = built(plan, filters, language.lexicon.pdfs, like=weights)
        shift, spread, priors = (tensors[name].float() for name in ("shift", "spread", "priors"))
        width = CHANNELS * filters.width
        if shift.shape != (width,) or spread.shape != (width,) or not (spread > 0).all():
            raise ValueError(f"its features are not standardized to {width} numbers")
        if priors.shape != (language.lexicon.pdfs,):
            raise ValueError(f"{len(priors)} priors for {language.lexicon.pdfs} states")
        return cls(filters, language, model, plan, shift, spread, priors)


def built(
    plan: dict[str, Any], filters: Filters, states: int, like: dict[str, Tensor] | None = None
) -> nn.Module:
    """The network of a plan, with random weights or with those of a file.

    Args:
        like: by name; their sizes are compared before memory is taken.

    Raises:
        ValueError, LookupError, TypeError: if the plan or the sizes are wrong.
    """
    settings = dict(plan)
    kind = NETWORKS[settings.pop("kind")]
    if "hidden" in settings:
        settings["hidden"] = tuple(int(units) for units in settings["hidden"])
    if kind is AcousticCNN:
        settings["bands"] = filters.bands
    shape = (2 * CONTEXT + 1, CHANNELS, filters.width)
    if like is None:
        return kind(shape, states, **settings)
    with skeleton():
        model = kind(shape, states, **settings)
    wanted = {name: tuple(each.shape) for name, each in model.state_dict().items()}
    if wanted != {name: tuple(each.shape) for name, each in like.items()}:
        raise ValueError("its weights do not fit the network that it names")
    model.load_state_dict(like, assign=True)
    return model
