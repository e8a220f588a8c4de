"""ZFNet: Figure 3 of the paper. Its sizes stand in test_stages.py."""

from torch import nn

from striate.models import create
from striate.models.skeletons import skeleton


def test_small_dense_filters_in_front():
    with skeleton():
        model = create("zfnet")
    first, second = model.conv1[0], model.conv2[0]
    assert (first.kernel_size, first.stride, first.out_channels) == ((7, 7), (2, 2), 96)
    assert (second.kernel_size, second.stride, second.out_channels) == ((5, 5), (2, 2), 256)
    assert second.groups == 1  # one GPU: no towers


def test_rectified_pooled_then_normalized_in_this_order():
    with skeleton():
        assert create("zfnet").stage_names[:6] == [
            "conv1", "pool1", "norm1", "conv2", "pool2", "norm2"]  # fmt: skip


def test_weights_start_at_a_hundredth_and_biases_at_zero():
    model = create("zfnet", classes=2, image_size=96)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            assert abs(layer.weight.std().item() - 0.01) < 0.001
            assert not layer.bias.any()
