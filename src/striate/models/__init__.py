"""The networks of the lectures by name.

>>> model = create("lenet5", classes=10)
>>> sum(parameter.numel() for parameter in model.parameters())
61706
"""

from striate.models._describe import Description, describe
from striate.models.keras_networks import from_keras
from striate.models.networks import NETWORKS, Entry, create, entry
from striate.models.normalization import Normalization
from striate.models.picture import draw
from striate.models.published import PUBLISHED, normalization_of
from striate.models.removal import without
from striate.models.resizing import adapt_pooling, slide
from striate.models.stages import Stages, losses
from striate.models.surgery import above, classifier, cut, decision, folded, replace_head
from striate.models.weights import load_weights

__all__ = [
    "NETWORKS",
    "PUBLISHED",
    "Description",
    "Entry",
    "Normalization",
    "Stages",
    "above",
    "adapt_pooling",
    "classifier",
    "create",
    "cut",
    "decision",
    "describe",
    "draw",
    "entry",
    "folded",
    "from_keras",
    "load_weights",
    "losses",
    "normalization_of",
    "replace_head",
    "slide",
    "without",
]
