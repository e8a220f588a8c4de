"""Looking inside any network: filters, feature maps, DeconvNet, occlusion, attributions,
dreams.

Everything takes any `nn.Module`, gives plain arrays, and has a page in `sheets`.
"""

from striate.visualize import sheets
from striate.visualize._activations import Activations, activations, filters
from striate.visualize._occlusion import occlusion, occlusions
from striate.visualize.attribution import Attribution, Curves, attribute, curves
from striate.visualize.coarse import Approximation, approximate_occlusion
from striate.visualize.colors import colored, heat
from striate.visualize.deconvnet import Patches, Strongest, patches, project, strongest
from striate.visualize.drawing import Legend, Tile, save, save_film, sheet
from striate.visualize.dreams import Dream, Priors, dream
from striate.visualize.questions import Maps
from striate.visualize.reading import last_maps, layers_of

__all__ = [
    "Activations",
    "Approximation",
    "Attribution",
    "Curves",
    "Dream",
    "Legend",
    "Maps",
    "Patches",
    "Priors",
    "Strongest",
    "Tile",
    "activations",
    "approximate_occlusion",
    "attribute",
    "colored",
    "curves",
    "dream",
    "filters",
    "heat",
    "last_maps",
    "layers_of",
    "occlusion",
    "occlusions",
    "patches",
    "project",
    "save",
    "save_film",
    "sheet",
    "sheets",
    "strongest",
]
