"""Building blocks that PyTorch lacks or runs slowly: one file a layer."""

from striate.layers.activations import ACTIVATIONS, ScaledTanh, activation
from striate.layers.dropout import Dropout, dropout_ensemble, sampling
from striate.layers.initialization import INITIALIZATIONS, initialize
from striate.layers.limited_sharing import LimitedSharing
from striate.layers.locally_connected import LocallyConnected2d
from striate.layers.normalization import LocalResponseNorm
from striate.layers.pooling import Pool2d
from striate.layers.radial_basis import RBFOutput
from striate.layers.subsampling import Subsampling
from striate.layers.table_convolution import LENET5_C3, TableConv2d

__all__ = [
    "ACTIVATIONS",
    "INITIALIZATIONS",
    "LENET5_C3",
    "Dropout",
    "LimitedSharing",
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
    "sampling",
]
