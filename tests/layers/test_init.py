"""The table of layers: every class the package exports is in it, under a name that finds it."""

import pytest
from torch import nn

import striate.layers
from striate.errors import UnknownName
from striate.layers import LAYERS, LocalResponseNorm, layer


def test_every_exported_layer_has_a_name() -> None:
    exported = [getattr(striate.layers, name) for name in striate.layers.__all__]
    classes = {c for c in exported if isinstance(c, type) and issubclass(c, nn.Module)}
    assert classes == set(LAYERS.values())


def test_a_name_finds_its_class() -> None:
    assert layer("local_response_norm") is LocalResponseNorm


def test_an_unknown_name_is_answered_with_the_closest() -> None:
    with pytest.raises(UnknownName, match="did you mean subsampling"):
        layer("subsample")
