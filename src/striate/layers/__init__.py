"""Building blocks that PyTorch lacks or runs slowly: one file a layer."""

from striate.layers.normalization import LocalResponseNorm

__all__ = ["LocalResponseNorm"]
