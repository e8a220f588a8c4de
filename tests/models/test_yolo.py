"""YOLO: the paper's sizes, detections by hand, and that it can learn one picture by heart."""

import pytest
import torch
from torch import nn

from striate.errors import ModelError, UnknownName
from striate.models.matching import Targets
from striate.models.networks import create
from striate.models.skeletons import skeleton
from striate.models.yolo import PUBLISHED_WIDTH, YOLO, Connected, Convolved, Settings, yolo

LITE = "efficientnet_lite0"
NONE = torch.zeros(0, 4)


# Figure 3, layer by layer: kernel, what it reads, what it gives.
FIGURE_3 = [
    (7, 3, 64), (3, 64, 192),
    (1, 192, 128), (3, 128, 256), (1, 256, 256), (3, 256, 512),
    *[(1, 512, 256), (3, 256, 512)] * 4, (1, 512, 512), (3, 512, 1024),
    *[(1, 1024, 512), (3, 512, 1024)] * 2, *[(3, 1024, 1024)] * 2,
    *[(3, 1024, 1024)] * 2,
]  # fmt: skip
FAST = [
    (3, 3, 16), (3, 16, 32), (3, 32, 64), (3, 64, 128), (3, 128, 256), (3, 256, 512),
    (3, 512, 1024), *[(3, 1024, 1024)] * 2,
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "figure", "connected"),
    [("yolo", FIGURE_3, [4096, 7 * 7 * 30]), ("fast_yolo", FAST, [256, 4096, 7 * 7 * 30])],
)
def test_the_published_networks(
    name: str, figure: list[tuple[int, int, int]], connected: list[int]
) -> None:
    with skeleton():
        model = yolo(name, classes=20, connected=True, width=PUBLISHED_WIDTH)
        predicted = model.predictions(torch.zeros(2, 3, 448, 448))
    assert predicted.shape == (2, 7, 7, 30)  # Section 2, on VOC
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    assert [(x.kernel_size[0], x.in_channels, x.out_channels) for x in layers] == figure
    full = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
    assert [layer.out_features for layer in full] == connected
    by_hand, width = sum(k * k * read * given + given for k, read, given in figure), 7 * 7 * 1024
    for given in connected:
        by_hand, width = by_hand + (width + 1) * given, given
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == by_hand
    # Section 2.2: a leaky rectifier after every layer but the last, then half is dropped
    slopes = [layer.negative_slope for layer in model.modules() if isinstance(layer, nn.LeakyReLU)]
    assert slopes == [0.1] * (len(figure) + 1)
    assert [x.p for x in model.modules() if isinstance(x, nn.Dropout)] == [0.5]
    assert list(model.detecting.modules())[-1] is full[-1]


def test_the_published_network_has_271_million_parameters() -> None:
    by_hand = sum(k * k * read * given + given for k, read, given in FIGURE_3)
    by_hand += (7 * 7 * 1024 + 1) * 4096 + (4096 + 1) * 7 * 7 * 30
    assert len(FIGURE_3) == 24
    assert by_hand == 271_703_550


def test_the_first_twenty_convolutions_learn_imagenet_first() -> None:
    with skeleton():  # Section 2.2
        model = create("yolo")
        assert sum(isinstance(layer, nn.Conv2d) for layer in model.modules()) == 20
        trunk = yolo("yolo", classes=3, connected=True, width=8).backbone.state_dict()
    kept = {f"stages.{name}" for name in model.state_dict() if not name.startswith("fc.")}
    assert trunk.keys() == kept


@pytest.mark.parametrize("backbone", [LITE, "resnet18", "vgg16", "googlenet", "vgg11_lrn"])
def test_any_network_with_such_strides_is_a_backbone(backbone: str) -> None:
    with skeleton():
        model = yolo(backbone, classes=20)
        assert model.predictions(torch.zeros(1, 3, 448, 448)).shape == (1, 7, 7, 30)
    fixed = {name.split(".")[2] for name, p in model.named_parameters() if not p.requires_grad}
    assert fixed == {name for name in model.backbone.frozen if name in fixed}
    assert fixed


def test_cells_of_64_pixels_read_stride_32_and_cells_of_32_pixels_stride_16() -> None:
    with skeleton():
        for grid, stage, side in ((7, "stage7", 14), (14, "stage5", 28)):
            model = yolo(LITE, classes=20, grid=grid)
            assert list(model.backbone.stages)[-1] == stage  # type: ignore[arg-type]
            assert model.backbone(torch.zeros(1, 3, 448, 448))[-1].shape[2] == side


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({"grid": 14}, (14, 14, 13)),
        ({"grid": 2, "side": 128, "boxes": 3}, (2, 2, 18)),
        ({"grid": 4, "side": 128}, (4, 4, 13)),
        ({"grid": 9, "connected": True}, (9, 9, 13)),
    ],
)
def test_grids(options: dict[str, int], shape: tuple[int, int, int]) -> None:
    with skeleton():
        model = yolo(LITE, classes=3, **options)  # type: ignore[arg-type]
        side = model.settings.side
        assert model.predictions(torch.zeros(1, 3, side, side)).shape[1:] == shape


def test_at_first_boxes_are_in_the_middle_of_their_cells_and_nothing_is_found() -> None:
    model = yolo(LITE, classes=4, grid=2, side=64, width=8).eval()
    nn.init.zeros_(model.detecting[-1].last.weight)
    predicted = model.predictions(torch.zeros(1, 3, 64, 64))
    third = 1 / 3
    numbers = [0.5, 0.5, third, third, 0, 0.5, 0.5, 2 * third, 2 * third, 0, *[0.25] * 4]
    assert torch.allclose(predicted, torch.tensor(numbers).expand_as(predicted))
    assert len(model(torch.zeros(1, 3, 64, 64))[0].boxes) == 0


def test_a_cell_is_predicted_from_its_own_place() -> None:
    maps = torch.rand(1, 5, 2, 2)
    layer = Convolved(5, Settings(side=64, grid=2), 1)
    predicted = layer(maps)
    alone = layer.last.weight[:, :, 0, 0] @ maps[0, :, 1, 0] + layer.last.bias
    assert torch.allclose(predicted[0, 1, 0], alone)
    whole = Connected(5, (7,), Settings(side=64, grid=2), 1)
    assert whole(maps[..., :1, :1]).shape == (1, 2, 2, 11)


class Constant(nn.Module):
    def __init__(self, output: torch.Tensor):
        super().__init__()
        self.output = output

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.output


def test_detections_by_hand() -> None:
    predicted = torch.zeros(1, 2, 2, 12)
    # cell (0, 1): centers (1.5, 0.5) / 2 of 100; the second box is suppressed by the first
    predicted[0, 0, 1] = torch.tensor(
        [0.5, 0.5, 0.4**0.5, 0.2**0.5, 0.9, 0.52, 0.5, 0.4**0.5, 0.2**0.5, 0.8, 0.1, 0.7]
    )
    # cell (1, 0): reaches beyond the picture; more than sure of both
    predicted[0, 1, 0] = torch.tensor(
        [0.0, 1, 0.2**0.5, 0.2**0.5, 1.2, 0, 0, 0, 0, -0.5, -0.1, 1.1]
    )
    model = YOLO(nn.Identity(), Constant(predicted), Settings(side=128, grid=2), classes=2)
    (found,) = model(torch.zeros(1, 3, 128, 128))
    assert found.classes.tolist() == [1, 1, 0]
    assert found.scores.tolist() == pytest.approx([1, 0.9 * 0.7, 0.9 * 0.1])  # Equation 1
    assert found.boxes[0].tolist() == pytest.approx([0, 0.9 * 128, 0.1 * 128, 128])
    assert found.boxes[1].tolist() == pytest.approx(
        [0.55 * 128, 0.15 * 128, 0.95 * 128, 0.35 * 128], rel=1e-5
    )
    assert torch.equal(found.boxes[1], found.boxes[2])  # other classes are not suppressed


def test_it_can_learn_one_picture_by_heart() -> None:
    torch.manual_seed(0)
    model = yolo(LITE, classes=2, grid=4, side=128, width=32)
    boxes = torch.tensor([[8.0, 8, 48, 48], [60, 20, 120, 90]])
    target = Targets(boxes, torch.tensor([0, 1]), NONE)
    images = torch.randn(1, 3, 128, 128)
    free = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(free, 3e-3)
    for _ in range(40):
        losses = model.losses(images, [target])
        optimizer.zero_grad()
        torch.stack(list(losses.values())).sum().backward()
        optimizer.step()
    with torch.no_grad():
        (found,) = model(images)
    assert found.classes[:2].sort().values.tolist() == [0, 1]
    order = found.classes[:2].argsort()
    assert (found.boxes[:2][order] - boxes).abs().max() < 4
    assert found.scores[:2].min() > 0.7


def test_what_cannot_be_built() -> None:
    with pytest.raises(UnknownName, match="resnet18"):
        yolo("resnet19", classes=2)
    with pytest.raises(UnknownName, match="stride 16 and 32 is called 'lenet5'"):
        yolo("lenet5", classes=2)
    with pytest.raises(UnknownName, match="fast_yolo"):
        yolo("faster_yolo", classes=2)
    for options, reason in (
        ({"classes": 0}, "at least one class"),
        ({"classes": 1, "grid": 0}, "one cell"),
        ({"classes": 1, "boxes": 0}, "one box"),
        ({"classes": 1, "grid": 10}, "needs pictures of 320 or 640 pixels, not 448"),
        ({"classes": 1, "side": 450}, "multiple of 64"),
        ({"classes": 1, "width": 0}, "width"),
    ):
        with pytest.raises(ModelError, match=reason):
            yolo(LITE, **options)  # type: ignore[arg-type]
    with skeleton(), pytest.raises(ModelError, match="reads pictures of 448 x 448"):
        yolo(LITE, classes=1).predictions(torch.zeros(1, 3, 448, 416))
