"""The pyramid: what comes down, by hand."""

import torch

from striate.models.fpn import Pyramid


def test_the_deep_map_is_doubled_and_added() -> None:
    pyramid = Pyramid([1, 1], width=1)
    for lateral, smooth in zip(pyramid.lateral, pyramid.smooth, strict=True):
        torch.nn.init.ones_(lateral.weight)
        torch.nn.init.dirac_(smooth.weight)
    shallow, deep = torch.ones(1, 1, 3, 4), torch.tensor([[[[10.0, 20], [30, 40]]]])
    first, second = pyramid([shallow, deep])
    assert torch.equal(second, deep)
    assert first[0, 0].tolist() == [[11, 11, 21, 21], [11, 11, 21, 21], [31, 31, 41, 41]]
