"""Faster R-CNN: its parts by hand, its losses, and that it can learn one picture by heart."""

import pytest
import torch

from striate.errors import ModelError, UnknownName
from striate.models.faster_rcnn import BACKBONES, faster_rcnn
from striate.models.matching import Targets
from striate.models.regions import BoxHead, ProposalNetwork, Settings

LOSSES = ["objectness", "proposal_offsets", "class_scores", "box_offsets"]
SQUARE = Settings(ratios=(1.0,))


def things() -> Targets:
    boxes = torch.tensor([[8.0, 8, 48, 48], [60, 20, 120, 90]])
    return Targets(boxes, torch.tensor([0, 1]), torch.zeros(0, 4))


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_backbone_gives_maps_of_its_strides(backbone: str) -> None:
    with torch.device("meta"):
        model = faster_rcnn(backbone, classes=2)
        maps = model.neck(model.backbone(torch.zeros(1, 3, 96, 64)))
    assert [tuple(x.shape) for x in maps] == [(1, 128, 12, 8), (1, 128, 6, 4)]
    fixed = {name.split(".")[2] for name, p in model.named_parameters() if not p.requires_grad}
    assert fixed == {name for name in fixed if name in model.backbone.frozen}
    assert BACKBONES[backbone][1] in fixed


def test_one_map_has_the_nine_anchors_of_the_paper() -> None:
    model = faster_rcnn("efficientnet_lite0", classes=2, pyramid=False)
    assert model.proposals.objectness.out_channels == 9
    assert model.proposals.offsets.out_channels == 36
    assert list(model.losses(torch.randn(1, 3, 64, 96), [things()])) == LOSSES


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
    logits, told = torch.zeros(1, 12), torch.zeros(1, 12, 4)
    logits[0, 5] = 3.0
    told[0, 5, 0] = 0.25  # a quarter of 16 pixels to the right
    _, _, places = network([torch.zeros(1, 4, 3, 4)])
    best = network.best(logits, told, places, (24, 32))[0][0]
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
