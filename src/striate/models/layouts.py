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


# The blocks of each stage, as models/efficientnet.py's table gives them at each depth.
LAYOUTS: dict[str, Layout] = {
    "striate": AS_IS,
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
