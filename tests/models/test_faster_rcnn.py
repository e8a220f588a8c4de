"""Faster R-CNN: its parts by hand, its two forms, its losses."""

import pytest
import torch
from torch import nn

from striate.errors import ModelError, UnknownName
from striate.layers.roi_pooling import roi_pooling
from striate.models.faster_rcnn import faster_rcnn
from striate.models.matching import Targets
from striate.models.regions import BoxHead, ProposalNetwork, Settings, within
from striate.models.skeletons import skeleton

LOSSES = ["objectness", "proposal_offsets", "class_scores", "box_offsets"]
SQUARE = Settings(ratios=(1.0,))
NONE = torch.zeros(0, 4)


def things() -> Targets:
    boxes = torch.tensor([[8.0, 8, 48, 48], [60, 20, 120, 90]])
    return Targets(boxes, torch.tensor([0, 1]), torch.zeros(0, 4))


@pytest.mark.parametrize(
    "backbone", ["efficientnet_lite0", "resnet50", "vgg16", "googlenet", "vgg11_lrn"]
)
def test_any_network_with_such_strides_is_a_backbone(backbone: str) -> None:
    with skeleton():
        model = faster_rcnn(backbone, classes=2)
        maps = model.neck(model.backbone(torch.zeros(1, 3, 960, 640)))
    assert [x.shape[1] for x in maps] == [128, 128]
    for x, stride in zip(maps, (8, 16), strict=True):
        assert tuple(x.shape[2:]) == (960 / stride, 640 / stride)
    fixed = {name.split(".")[2] for name, p in model.named_parameters() if not p.requires_grad}
    assert fixed
    assert fixed <= set(model.backbone.frozen)


def test_the_form_of_2015() -> None:
    with skeleton():
        model = faster_rcnn("vgg16", classes=20, pyramid=False)
    assert list(model.backbone.stages)[-1] == "conv5_3"
    assert isinstance(model.neck, nn.Identity)
    assert (model.proposals.conv.in_channels, model.proposals.conv.out_channels) == (512, 512)
    assert model.proposals.objectness.out_channels == 9  # Section 3.1.1
    assert model.proposals.offsets.out_channels == 36
    assert (model.head.fc6.in_features, model.head.fc6.out_features) == (512 * 7 * 7, 4096)
    assert model.head.fc7.out_features == 4096
    assert model.head.dropout.p == 0.5


def test_the_form_of_2015_reads_regions_by_roi_pooling_and_learns() -> None:
    model = faster_rcnn("efficientnet_lite0", classes=2, pyramid=False, width=16, hidden=8)
    x, region = torch.rand(1, 112, 6, 8), torch.tensor([[5.0, 7, 90, 60]])
    pooled = model.head.pooled([x], [region])
    assert torch.equal(pooled, roi_pooling(x, [region], size=7, scale=1 / 16))
    assert list(model.losses(torch.randn(1, 3, 64, 96), [things()])) == LOSSES


def test_anchors_that_cross_the_border_are_not_learned_from() -> None:
    """Section 3.3; the border is that of the image, which may be smaller than the batch."""
    boxes = torch.tensor([[0.0, 0, 32, 24], [-1, 0, 9, 9], [0, 0, 33, 9], [4, 4, 8, 25]])
    assert within(boxes, (24, 32)).tolist() == [True, False, False, False]
    assert within(boxes[1:], (24, 32)).all()  # better than none
    network = ProposalNetwork(4, (8,), (16.0,), Settings(sizes=(1.0,), ratios=(1.0,)))
    logits, deltas, places = network([torch.randn(1, 4, 3, 4)])
    for size, inside in ((None, [5, 6]), ((24, 24), [5])):
        target = Targets(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long), NONE, size)
        logits = logits.detach().requires_grad_()
        network.losses(logits, deltas, places, [target], (24, 32))["objectness"].backward()
        assert logits.grad is not None
        assert logits.grad[0].nonzero().flatten().tolist() == inside


def test_any_size_and_sane_detections() -> None:
    model = faster_rcnn("efficientnet_lite0", classes=3, settings=SQUARE).eval()
    for height, width in ((64, 96), (75, 101)):
        with torch.no_grad():
            found = model(torch.randn(2, 3, height, width))
        assert len(found) == 2
        for one in found:
            assert len(one.boxes) == len(one.classes) == len(one.scores) <= 100
            assert (one.scores[:-1] >= one.scores[1:]).all()
            assert one.boxes.min() >= 0
            assert (one.boxes.amax(0) <= torch.tensor([width, height] * 2)).all()
            assert set(one.classes.tolist()) <= {0, 1, 2}


def test_proposals_start_at_their_anchors() -> None:
    network = ProposalNetwork(4, (8,), (16.0,), Settings(sizes=(1.0,), ratios=(1.0,)))
    logits, deltas = torch.zeros(1, 12), torch.zeros(1, 12, 4)
    logits[0, 5] = 3.0
    deltas[0, 5, 0] = 0.25  # a quarter of 16 pixels to the right
    _, _, places = network([torch.zeros(1, 4, 3, 4)])
    best = network.best(logits, deltas, places, (24, 32))[0][0]
    assert best.tolist() == [8, 4, 24, 20]  # the anchor at row 1, column 1 is 4 4 20 20


def test_regions_go_to_the_level_of_their_size() -> None:
    head = BoxHead(1, (8, 16), 2, Settings(), hidden=4)
    maps = [torch.full((2, 1, 64, 64), 1.0), torch.full((2, 1, 32, 32), 2.0)]
    small, large = [0.0, 0, 100, 100], [0.0, 0, 230, 230]  # 14 x 8 = 112, and 224
    regions = [torch.tensor([large, small]), torch.tensor([small, large])]
    assert head.pooled(maps, regions).mean((1, 2, 3)).tolist() == [2, 1, 1, 2]


def test_images_without_things_have_losses_too() -> None:
    model = faster_rcnn("efficientnet_lite0", classes=2, settings=SQUARE)
    none = Targets(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long), torch.zeros(0, 4))
    losses = model.losses(torch.randn(2, 3, 64, 64), [none, none])
    assert float(losses["proposal_offsets"].detach()) == 0
    assert float(losses["box_offsets"].detach()) == 0
    torch.stack(list(losses.values())).sum().backward()
    assert model.head.scores.weight.grad is not None


def test_all_four_losses_fall() -> None:
    model = faster_rcnn("efficientnet_lite0", classes=2, settings=SQUARE, width=32, hidden=64)
    images = torch.randn(1, 3, 96, 128)
    free = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(free, 2e-3)
    history = []
    for _ in range(12):
        losses = model.losses(images, [things()])
        optimizer.zero_grad()
        torch.stack(list(losses.values())).sum().backward()
        optimizer.step()
        history.append({name: float(loss.detach()) for name, loss in losses.items()})
    assert list(history[0]) == LOSSES
    for name in ("objectness", "class_scores"):
        assert history[-1][name] < history[0][name]


def test_wrong_names() -> None:
    with pytest.raises(UnknownName, match="resnet18"):
        faster_rcnn("resnet19", classes=2)
    with pytest.raises(ModelError, match="at least one class"):
        faster_rcnn("resnet18", classes=0)
