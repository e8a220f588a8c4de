"""Every count of the lectures and of their papers, computed from the networks themselves; nothing
is learned."""

from collections.abc import Iterator

from torch import nn

from striate.experiments.result import Result, Row
from striate.models import Description, create, describe, without
from striate.models.dbn import dbn
from striate.models.deepface import DeepFace
from striate.models.skeletons import skeleton, undrawn
from striate.ops.receptive import Field

LENET_LAYERS = (  # LeCun et al. 1998, Section II.B: parameters, connections
    ("c1", 156, 122_304), ("s2", 12, 5_880), ("c3", 1_516, 151_600), ("s4", 32, 2_000),
    ("c5", 48_120, 48_120), ("f6", 10_164, 10_164),
)  # fmt: skip
VGG = (("vgg11", 133), ("vgg13", 133), ("vgg16_c", 134), ("vgg16", 138), ("vgg19", 144))
RESNETS = (  # He et al. 2016, Table 1: 10^9 multiply-adds
    ("resnet18", 1.8), ("resnet34", 3.6), ("resnet50", 3.8), ("resnet101", 7.6),
    ("resnet152", 11.3),
)  # fmt: skip
CIFAR = (  # the same, Table 6: millions of parameters
    ("resnet20", 0.27), ("resnet32", 0.46), ("resnet44", 0.66), ("resnet56", 0.85),
    ("resnet110", 1.7),
)  # fmt: skip


def run(quick: bool, seed: int) -> Result:
    """All of them; neither a shorter form nor chance is in it."""
    return Result([*small(), *lenet(), *alexnet(), *deeper(), *others()])


def exactly(what: str, said: int, ours: int) -> Row:
    """A number that has to be met."""
    return Row(what, f"{said:,}", f"{ours:,}", "same" if ours == said else "different")


def nearly(what: str, said: float, ours: float, unit: str = "", why: str = "") -> Row:
    """A number that was published with as many digits as it has here.

    >>> nearly("x", 0.27, 0.2697).verdict, nearly("x", 133, 132.4).verdict
    ('same', 'different')
    """
    digits = len(f"{said:g}".partition(".")[2])
    same = round(ours, digits) == said
    text = f"{ours:,.{digits + 2}f}".rstrip("0").rstrip(".")
    return Row(what, f"{said:g}{unit}", f"{text}{unit}", "same" if same else "different",
               "" if same else why)  # fmt: skip


def small() -> Iterator[Row]:
    """Sums of the slides."""
    logistic = describe(nn.Linear(784, 10))
    yield exactly("logistic regression on MNIST: parameters", 7_850, logistic.parameters)
    convolutional = nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2), nn.Sigmoid(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2), nn.Sigmoid(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(3136, 100), nn.Sigmoid(), nn.Linear(100, 10),
    )  # fmt: skip
    found = describe(convolutional, 28)
    yield exactly("the Keras program's sigmoid ConvNet: parameters", 366_806, found.parameters)
    features = describe(nn.Conv2d(1, 400, 8, bias=False), 96)
    yield exactly("400 features of 8 x 8 on 96 x 96 pixels: outputs", 3_168_400, features.neurons)
    shared = describe(nn.Conv2d(1, 100, 10, bias=False), 1000)
    yield exactly("100 filters of 10 x 10: parameters", 10_000, shared.parameters)
    field = Field()
    for count, said in ((1, 3), (2, 5), (3, 7)):
        field = field.through(3)
        yield exactly(f"pixels a side that a unit behind {count} x (3 x 3) sees", said, field.size)
    three, one = (sum(kernel.numel() for kernel in some) for some in (
        [nn.Conv2d(1, 1, 3, bias=False).weight for _ in range(3)],
        [nn.Conv2d(1, 1, 7, bias=False).weight],
    ))  # fmt: skip
    yield exactly("weights of three convolutions of 3 x 3", 27, three)
    yield exactly("weights of one of 7 x 7", 49, one)


def lenet() -> Iterator[Row]:
    """LeNet-5 as it was published."""
    found = describe("lenet5_1998")
    yield exactly("LeNet-5: parameters", 60_000, found.parameters)
    yield exactly("LeNet-5: connections", 340_908, found.connections)
    stages = {row.name: row for row in found.stages}
    for name, parameters, connections in LENET_LAYERS:
        yield exactly(f"LeNet-5, {name.upper()}: parameters", parameters, stages[name].parameters)
        yield exactly(f"LeNet-5, {name.upper()}: connections", connections,
                      stages[name].connections)  # fmt: skip


def alexnet() -> Iterator[Row]:
    """AlexNet, and what is left without its layers."""
    found = describe("alexnet")
    first = found.stages[0]
    outputs, height, width = first.output
    yield exactly("AlexNet, conv1: neurons", 290_400, outputs * height * width)
    yield exactly("AlexNet, conv1: parameters of a filter", 364, first.parameters // outputs)
    yield exactly("AlexNet, conv1: parameters", 34_944, first.parameters)
    yield exactly("AlexNet: parameters", 60_965_224, found.parameters)
    unknown = "; how that was counted is not known"
    yield nearly("AlexNet: neurons", 650, found.neurons / 1e3, " thousand",
                 "outputs of all layers with weights" + unknown)  # fmt: skip
    yield nearly("AlexNet: connections", 630, found.connections / 1e6, " million",
                 "pairs of a unit and what it reads, no zeros" + unknown)  # fmt: skip
    with undrawn():
        whole = create("alexnet")
        rest = {layers: without(whole, *layers) for layers in (("fc7",), ("fc6", "fc7"))}
    reasons = "the slide cuts digits off", "fc8 reads 9,216 numbers then; the slide rounds"
    for (layers, network), said, why in zip(rest.items(), (16, 50), reasons, strict=True):
        names = " and ".join(layers)
        yield nearly(f"AlexNet without {names}: parameters dropped, about", said,
                     dropped(found, network) / 1e6, " million", why)  # fmt: skip


def dropped(whole: Description, rest: nn.Module) -> int:
    """How many parameters a network lost."""
    return whole.parameters - sum(each.numel() for each in rest.parameters())


def deeper() -> Iterator[Row]:
    """VGG and the residual networks."""
    for name, millions in VGG:
        yield nearly(f"{name}: parameters (Simonyan & Zisserman 2015, Table 2)", millions,
                     describe(name).parameters / 1e6, " million")  # fmt: skip
    for name, billions in RESNETS:
        strided = name not in ("resnet18", "resnet34")  # they have blocks of 3 x 3 alone
        yield nearly(f"{name}: multiply-adds (He et al. 2016, Table 1)", billions,
                     describe(name).multiply_adds / 1e9, " billion",
                     "here strides stand in the 3 x 3 convolutions, there in the 1 x 1" if strided
                     else "the table cuts digits off")  # fmt: skip
    for name, size in CIFAR:
        yield nearly(f"{name}: parameters (He et al. 2016, Table 6)", size,
                     describe(name).parameters / 1e6, " million")  # fmt: skip


def others() -> Iterator[Row]:
    """Networks of the other tasks."""
    with skeleton():
        faces = sum(each.numel() for each in DeepFace().parameters())
        belief = sum(each.numel() for each in dbn().parameters())
    yield nearly("DeepFace: parameters (Taigman et al. 2014), more than", 120, faces / 1e6,
                 " million", "its layers as the paper describes them add up to this")  # fmt: skip
    yield nearly("belief net 784-500-500-2000-10: weights (Hinton et al. 2006), about", 1.7,
                 belief / 1e6, " million", "with 3,010 biases")  # fmt: skip
