"""Every network by name: parameters to the unit, stage sizes, classes and channels, mistakes."""

import pytest
import torch
from torch import nn

from striate.errors import ModelError, UnknownName, UserError, WeightsError
from striate.models import NETWORKS, PUBLISHED, Normalization, create, entry
from striate.models.networks import options_of, sized
from striate.models.skeletons import hollow, skeleton
from striate.models.surgery import decision

PARAMETERS = {
    "lenet5": 61_706,
    "lenet5_1998": 60_000,
    "alexnet": 60_965_224,
    "alexnet_single": 61_100_840,
    "zfnet": 62_357_608,
    "overfeat_fast": 145_920_872,  # the paper: 145 million
    "overfeat_accurate": 144_656_488,  # the paper: 144 million
    "vgg11": 132_863_336,
    "vgg11_lrn": 132_863_336,
    "vgg13": 133_047_848,
    "vgg16_c": 133_638_952,
    "vgg16": 138_357_544,
    "vgg19": 143_667_240,
    "vgg11_bn": 132_868_840,
    "vgg13_bn": 133_053_736,
    "vgg16_bn": 138_365_992,
    "vgg19_bn": 143_678_248,
    "googlenet": 13_378_280,
    "googlenet_bn": 13_004_888,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "resnet20": 269_722,
    "resnet32": 464_154,
    "resnet44": 658_586,
    "resnet56": 853_018,
    "resnet110": 1_727_962,
    "yolo": 23_428_136,
    "fast_yolo": 2_085_768,
    "airbench": 1_972_792,
    "efficientnet_lite0": 4_652_008,
    "efficientnet_lite1": 5_416_680,
    "efficientnet_lite2": 6_092_072,
}


def built(name, **options):
    with skeleton():
        return create(name, **options).eval()


def answering(name, **options):
    return hollow(built(name, **options))


def images(name, channels=None, size=None, count=0):
    """None of them: what comes of them has the shapes of what would come of some."""
    known = entry(name)
    size = size or known.image_size
    return torch.empty(count, channels or known.channels, size, size)


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_to_the_unit(name):
    assert sum(p.numel() for p in built(name).parameters()) == PARAMETERS[name]


@pytest.mark.parametrize("name", NETWORKS)
def test_any_number_of_classes_and_channels(name):
    model = answering(name, classes=7, channels=2)
    assert model(images(name, channels=2)).shape == (0, 7)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_head_reads_the_last_feature(name):
    model = answering(name)
    last = list(model.features(images(name)).values())[-1]
    assert last.shape == (0, decision(model)[1].in_features)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_learns_from_random_weights_at_its_own_size(name):
    # What all of them owe whoever teaches them: options, notes, a normalization, losses.
    known = entry(name)
    options, notes = known.choices(["cat", "dog", "owl"])
    assert all(name in note for note in notes)
    measured = Normalization((100.0,) * known.channels, (50.0,) * known.channels)
    expects = known.learned(measured)
    assert len(expects.mean) == len(expects.std) == known.channels
    assert options_of(known) >= set(options)
    model = built(name, classes=3, **options, **sized(name, known.image_size)).train()
    pair = images(name, count=2).to("meta")
    losses = model.losses(pair, torch.zeros(2, dtype=torch.long, device="meta"))
    assert all(loss.ndim == 0 for loss in losses.values())


def test_gaussian_weights_of_a_hundredth_are_meant_for_pixels_that_are_only_centered():
    # With deviations of 1 the logits of AlexNet's first weights hardly depend on the image.
    assert entry("alexnet").learned(Normalization((100.0,), (50.0,))) == Normalization(
        (100.0,), (1.0,)
    )
    measured = Normalization((100.0,), (50.0,))
    assert entry("resnet18").learned(measured) == measured


PADDED = ("lenet5", "resnet", "efficientnet")  # something is left of a single pixel


@pytest.mark.parametrize("name", [n for n in NETWORKS if not n.startswith(PADDED)])
def test_too_small_an_image_names_the_layer(name):
    with pytest.raises(
        ModelError, match=r"^images of 1 x 1 are too small: .* is left at \w+; give"
    ):
        answering(name)(images(name, size=1))


@pytest.mark.parametrize("name", [n for n in NETWORKS if n.startswith(PADDED)])
def test_padded_networks_read_a_single_pixel(name):
    assert answering(name)(images(name, size=1)).shape == (0, entry(name).classes)


def test_messages_say_what_to_do():
    with pytest.raises(ModelError, match=r"only 3 x 3 is left at conv2; give larger images"):
        answering("overfeat_fast")(images("overfeat_fast", size=35))
    with pytest.raises(ModelError, match="is left at pool4; give a larger image_size"):
        built("vgg16", image_size=14)
    with pytest.raises(ModelError, match=r"fc6 reads 9216 numbers, .* build .* image_size=300"):
        answering("alexnet")(images("alexnet", size=300))
    with pytest.raises(ModelError, match="channels, not 1; build it with channels=1"):
        answering("resnet18")(images("resnet18", channels=1))
    with pytest.raises(ModelError, match=r"must be \(N, 3, H, W\), not \(3, 224, 224\)"):
        answering("resnet18")(torch.empty(3, 224, 224))


def test_image_size_makes_fc6_fit():
    assert built("vgg16", image_size=32).fc6[0].in_features == 512
    assert answering("alexnet", image_size=163)(images("alexnet", size=163)).shape == (0, 1000)
    assert answering("vgg16")(images("vgg16", size=320)).shape == (0, 1000)  # averaged to 7 x 7


def test_unknown_names_bring_the_closest():
    with pytest.raises(UnknownName, match=r"no network is called 'vgg61'; did you mean .*vgg16"):
        create("vgg61")
    with pytest.raises(UnknownName, match="no option of resnet18 is called 'shortcuts'"):
        create("resnet18", shortcuts="A")
    with pytest.raises(UnknownName, match="no option of lenet5 is called 'column'"):
        create("lenet5", column="D")
    with pytest.raises(UnknownName, match=r"no set of weights for resnet20 .*did you mean cifar10"):
        create("resnet20", weights="cifar100")
    with pytest.raises(WeightsError, match=r"no weight file 'no/such.pth'"):
        create("resnet20", weights="no/such.pth")


@pytest.mark.parametrize("wrong", [{"classes": 0}, {"channels": 0}, {"classes": -3}])
def test_at_least_one_class_and_channel(wrong):
    with pytest.raises(UserError, match="at least one"):
        create("lenet5", **wrong)


@pytest.mark.parametrize("name", NETWORKS)
def test_published_weights_are_those_of_the_entry(name):
    known = entry(name)
    for weights in known.weights:
        published = PUBLISHED[f"{name}.{weights}"]
        assert published.normalization == known.normalization
        assert published.classes == known.classes
    assert len(known.normalization.mean) == known.channels


def test_networks_are_plain_modules_that_learn():
    model = create("lenet5")
    loss = nn.functional.cross_entropy(model(torch.randn(4, 1, 28, 28)), torch.arange(4))
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
