"""How published weight files name what our networks name: one table a family.

Each table maps a file's prefix to ours; the longest prefix that fits wins, and what none fits keeps
its name. `load_weights` takes the table that leaves the fewest keys over.
"""

from collections.abc import Iterable, Mapping

Layout = Mapping[str, str]

AS_IS: Layout = {}

# torchvision's resnet18 .. resnet152, which the CIFAR networks' files follow up to `linear`.
RESNET: Layout = {
    "conv1": "stem.0",
    "bn1": "stem.1",
    **{f"layer{s}": f"stage{s}" for s in (1, 2, 3, 4)},
    **{f"layer{s}.0.downsample": f"stage{s}.0.shortcut" for s in (1, 2, 3, 4)},
    "fc": "fc",
    "linear": "fc",
}


def efficientnet(blocks: tuple[int, ...]) -> Layout:
    """The port of the authors' checkpoints to PyTorch, whose blocks are numbered through."""
    layout = {
        "_conv_stem": "stem.0",
        "_bn0": "stem.1",
        "_conv_head": "head_conv.0",
        "_bn1": "head_conv.1",
        "_fc": "fc",
    }
    places = [(s, b) for s, count in enumerate(blocks, 1) for b in range(count)]
    for number, (stage, block) in enumerate(places):
        theirs, ours = f"_blocks.{number}", f"stage{stage}.{block}"
        layout |= {
            f"{theirs}._expand_conv": f"{ours}.expand.0",
            f"{theirs}._bn0": f"{ours}.expand.1",
            f"{theirs}._depthwise_conv": f"{ours}.depthwise.0",
            f"{theirs}._bn1": f"{ours}.depthwise.1",
            f"{theirs}._project_conv": f"{ours}.project.0",
            f"{theirs}._bn2": f"{ours}.project.1",
        }
    return layout


ALEXNET: Layout = {
    "features.0": "conv1.0",
    "features.3": "conv2.0",
    "features.6": "conv3.0",
    "features.8": "conv4.0",
    "features.10": "conv5.0",
    "classifier.1": "fc6.0",
    "classifier.4": "fc7.0",
    "classifier.6": "fc8",
}


def vgg(convolutions: tuple[int, ...], *, batch_norm: bool = False) -> Layout:
    """torchvision's VGG, whose layers are numbered through, rectifiers and poolings too.

    Args:
        convolutions: how many in each of the five stages.
        batch_norm: whether each has its normalization behind it.
    """
    layout = {"classifier.0": "fc6.0", "classifier.3": "fc7.0", "classifier.6": "fc8"}
    number = 0
    for stage, count in enumerate(convolutions, 1):
        for place in range(1, count + 1):
            layout[f"features.{number}"] = f"conv{stage}_{place}.0"
            if batch_norm:
                layout[f"features.{number + 1}"] = f"conv{stage}_{place}.1"
            number += 3 if batch_norm else 2
        number += 1
    return layout


def googlenet() -> Layout:
    """torchvision's GoogLeNet: `conv` and `bn` in every unit, branches by number."""
    units = {"conv1": "conv1", "conv2": "conv2_reduce", "conv3": "conv2"}
    branches = {
        "branch1": "one",
        "branch2.0": "three.0",
        "branch2.1": "three.1",
        "branch3.0": "five.0",
        "branch3.1": "five.1",
        "branch4.1": "pool.1",
    }
    for name in ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"):
        units |= {f"inception{name}.{a}": f"inception{name}.{b}" for a, b in branches.items()}
    layout = {}
    for number in (1, 2):
        units[f"aux{number}.conv"] = f"auxiliary{number}.1"
        layout[f"aux{number}.fc1"] = f"auxiliary{number}.3"
        layout[f"aux{number}.fc2"] = f"auxiliary{number}.6"
    for theirs, ours in units.items():
        layout |= {f"{theirs}.conv": f"{ours}.0", f"{theirs}.bn": f"{ours}.1"}
    return layout


# The blocks of each stage, as models/efficientnet.py's table gives them at each depth.
LAYOUTS: dict[str, Layout] = {
    "striate": AS_IS,
    "alexnet_single": ALEXNET,
    "vgg11": vgg((1, 1, 2, 2, 2)),
    "vgg13": vgg((2, 2, 2, 2, 2)),
    "vgg16": vgg((2, 2, 3, 3, 3)),
    "vgg19": vgg((2, 2, 4, 4, 4)),
    "vgg11_bn": vgg((1, 1, 2, 2, 2), batch_norm=True),
    "vgg13_bn": vgg((2, 2, 2, 2, 2), batch_norm=True),
    "vgg16_bn": vgg((2, 2, 3, 3, 3), batch_norm=True),
    "vgg19_bn": vgg((2, 2, 4, 4, 4), batch_norm=True),
    "googlenet_bn": googlenet(),
    "resnet": RESNET,
    "efficientnet_lite0": efficientnet((1, 2, 2, 3, 3, 4, 1)),
    "efficientnet_lite1": efficientnet((1, 3, 3, 4, 4, 5, 1)),
    "efficientnet_lite2": efficientnet((1, 3, 3, 4, 4, 5, 1)),
}


def translate(keys: Iterable[str], layout: Layout) -> dict[str, str]:
    """Our name for every key of a file.

    >>> translate(["module.layer1.0.downsample.0.weight"], RESNET)
    {'module.layer1.0.downsample.0.weight': 'stage1.0.shortcut.0.weight'}
    """
    names = {}
    for key in keys:
        plain = key.removeprefix("module.")  # torch's DataParallel puts it there
        parts = plain.split(".")
        for length in range(len(parts), 0, -1):
            prefix = ".".join(parts[:length])
            if prefix in layout:
                plain = ".".join([layout[prefix], *parts[length:]])
                break
        names[key] = plain
    return names
