"""Building blocks that PyTorch lacks or runs slowly: one file a layer, and their names."""

from torch import nn

from striate.errors import UnknownName
from striate.layers.activations import ACTIVATIONS, ScaledTanh, activation
from striate.layers.dropout import Dropout, dropout_ensemble, sampling
from striate.layers.initialization import INITIALIZATIONS, initialize
from striate.layers.locally_connected import LocallyConnected2d
from striate.layers.normalization import LocalResponseNorm
from striate.layers.pooling import Pool2d
from striate.layers.radial_basis import RBFOutput
from striate.layers.subsampling import Subsampling
from striate.layers.table_convolution import LENET5_C3, TableConv2d

LAYERS: dict[str, type[nn.Module]] = {
    "dropout": Dropout,
    "local_response_norm": LocalResponseNorm,
    "locally_connected": LocallyConnected2d,
    "pooling": Pool2d,
    "rbf_output": RBFOutput,
    "scaled_tanh": ScaledTanh,
    "subsampling": Subsampling,
    "table_convolution": TableConv2d,
}


def layer(name: str) -> type[nn.Module]:
    """The class of that name in `LAYERS`; UnknownName if there is none.

    >>> layer("subsampling")(6)
    Subsampling(6, size=2)
    """
    if name not in LAYERS:
        raise UnknownName("layer", name, LAYERS)
    return LAYERS[name]


__all__ = [
    "ACTIVATIONS",
    "INITIALIZATIONS",
    "LAYERS",
    "LENET5_C3",
    "Dropout",
    "LocalResponseNorm",
    "LocallyConnected2d",
    "Pool2d",
    "RBFOutput",
    "ScaledTanh",
    "Subsampling",
    "TableConv2d",
    "activation",
    "dropout_ensemble",
    "initialize",
    "layer",
    "sampling",
]
