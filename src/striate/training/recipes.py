"""Recipes by name, each published one to the letter of its paper (docs/recipes.md)."""

from striate.augment import CHARACTERS, PHOTOGRAPHS, Augmentation, named
from striate.errors import UnknownName
from striate.training.recipe import Recipe

# From scratch, small images and few parameters: LeNet-5. One thread does a step of so little work
# sooner than two that wait for each other.
SCRATCH_SMALL = Recipe(
    epochs=30,
    batch_size=32,
    learning_rate=0.05,
    weight_decay=5e-4,
    warmup=0.05,
    patience=15,
    augmentation=CHARACTERS,
    threads=1,
)

# From scratch, photographs: ResNet-18.
SCRATCH = Recipe(
    epochs=15,
    batch_size=32,
    learning_rate=0.02,
    weight_decay=5e-4,
    warmup=0.1,
    label_smoothing=0.1,
    patience=8,
    precision="auto",
    augmentation=PHOTOGRAPHS,
)

# From scratch, small pictures in color: airbench, after Jordan 2024, with few epochs.
AIRBENCH = Recipe(
    epochs=10,
    batch_size=256,
    learning_rate=0.4,
    weight_decay=5e-4,
    warmup=0.2,
    label_smoothing=0.2,
    augmentation=named.AIRBENCH,
)

# The upper layers of a pretrained network whose new classifier is already solved: small steps, kept
# statistics, and the mean of the weights on the way.
FINETUNE = Recipe(
    epochs=6,
    batch_size=16,
    learning_rate=0.01,
    kept_rate=0.4,
    weight_decay=1e-4,
    warmup=0.05,
    label_smoothing=0.1,
    freeze_statistics=True,
    clip=5.0,  # twice what photographs ask for; solved classifiers of drawings ask for more
    average=0.97,
    keep_start=True,
    augmentation=PHOTOGRAPHS,
)

# LeNet-5 on MNIST, three views of the data.
LENET5_MNIST = Recipe(
    epochs=3, batch_size=32, learning_rate=0.05, weight_decay=1e-4, warmup=0.05, threads=1
)

# LeNet-5 of 1998 in minutes: its distances pull at F6 far harder than a classifier's logits do, and
# at the layers below far less, so that each weight needs a rate of its own, as the paper found.
LENET5_RBF = Recipe(
    epochs=20,
    batch_size=64,
    learning_rate=0.005,
    optimizer="adamw",
    warmup=0.05,
    augmentation=CHARACTERS,
    threads=1,
)

# Networks of rectifiers without batch normalization: AlexNet's rate, for the smaller batches that
# fit a computer at home, and no step that a few large losses could make too long.
SCRATCH_PLAIN = SCRATCH.but(learning_rate=0.005, nesterov=False, label_smoothing=0.0, clip=10.0)

# What follows is to the letter of the papers, and nothing else: plain momentum, rates dropped in
# steps, windows at whole pixels. Where a paper drops the rate "when the validation error stops
# improving", three or two drops come at equal parts of the run, for the paper does not say when.
QUARTERS = ((1 / 4, 0.1), (2 / 4, 0.01), (3 / 4, 0.001))

# LeCun, Bottou, Bengio and Haffner 1998, Section III.C: 20 passes over single images, global rates
# 0.0005 (2 passes), 0.0002 (3), 0.0001 (3), 0.00005 (4), 0.00001 (8). The paper divides them by
# an estimated curvature for each weight, here they are as they are: it learns slower.
LENET5_1998 = Recipe(
    epochs=20,
    batch_size=1,
    learning_rate=0.0005,
    momentum=0.0,
    schedule="steps",
    steps=((2 / 20, 0.4), (5 / 20, 0.2), (8 / 20, 0.1), (12 / 20, 0.02)),
    threads=1,
)

# Krizhevsky, Sutskever and Hinton 2012, Section 5: 90 passes, the rate divided by 10 three times.
ALEXNET_2012 = Recipe(
    epochs=90,
    batch_size=128,
    learning_rate=0.01,
    nesterov=False,
    weight_decay=5e-4,
    schedule="steps",
    steps=QUARTERS,
    augmentation=named.ALEXNET,
)

# Simonyan and Zisserman 2015, Section 3.1: 74 passes, the rate divided by 10 three times.
VGG_2015 = ALEXNET_2012.but(
    epochs=74,
    batch_size=256,
    augmentation=named.VGG,
)

# He, Zhang, Ren and Sun 2016, Section 3.4: 600,000 steps of 256, the rate divided by 10 when the
# error stands still. All that is learned decays, for the paper makes no exception.
RESNET_2016 = Recipe(
    epochs=120,
    batch_size=256,
    learning_rate=0.1,
    nesterov=False,
    weight_decay=1e-4,
    decayed="all",
    schedule="steps",
    steps=((1 / 3, 0.1), (2 / 3, 0.01)),
    augmentation=named.RESNET,
)

# The same, Section 4.2, CIFAR-10: 64,000 steps of 128, the rate divided by 10 at 32,000 and 48,000.
RESNET_CIFAR_2016 = RESNET_2016.but(
    epochs=182,
    batch_size=128,
    steps=((0.5, 0.1), (0.75, 0.01)),
    augmentation=named.RESNET_CIFAR,
)

# Szegedy et al. 2015, Section 6: momentum 0.9, the rate 4 % smaller every 8 passes, the weights
# averaged. First rate, batch and number of passes are not given and chosen here; no weight decay.
GOOGLENET_2015 = Recipe(
    epochs=80,
    batch_size=128,
    learning_rate=0.01,
    nesterov=False,
    schedule="steps",
    steps=tuple((k / 10, 0.96**k) for k in range(1, 10)),
    average=0.9999,
    augmentation=named.GOOGLENET,
)

# Redmon, Divvala, Girshick and Farhadi 2016, Section 2.2: 135 passes, a rate of 0.01 for
# 75, 0.001 for 30, 0.0001 for 30. How long it rises at first is not given; here
# for three.
YOLO_2016 = Recipe(
    epochs=135,
    batch_size=64,
    learning_rate=0.01,
    nesterov=False,
    weight_decay=5e-4,
    warmup=3 / 135,
    schedule="steps",
    steps=((75 / 135, 0.1), (105 / 135, 0.01)),
    augmentation=named.YOLO,
)

# Girshick, Donahue, Darrell and Malik 2014, Section 2.3: steps of 128 crops, 32 of them objects, at
# a rate of 0.001. Here a batch are 16 pictures of 8 crops. The paper does not tell for how
# long; what decays, and the mirror, are from its authors' program.
RCNN_2014 = Recipe(
    epochs=6,
    batch_size=16,
    learning_rate=0.001,
    nesterov=False,
    weight_decay=5e-4,
    schedule="constant",
    augmentation=Augmentation(named.MIRROR),
)

RECIPES: dict[str, Recipe] = {
    "scratch": SCRATCH,
    "scratch_small": SCRATCH_SMALL,
    "scratch_plain": SCRATCH_PLAIN,
    "airbench": AIRBENCH,
    "finetune": FINETUNE,
    "lenet5_mnist": LENET5_MNIST,
    "lenet5_rbf": LENET5_RBF,
    "lenet5_1998": LENET5_1998,
    "alexnet_2012": ALEXNET_2012,
    "vgg_2015": VGG_2015,
    "googlenet_2015": GOOGLENET_2015,
    "resnet_2016": RESNET_2016,
    "resnet_cifar_2016": RESNET_CIFAR_2016,
    "yolo_2016": YOLO_2016,
    "rcnn_2014": RCNN_2014,
}
"""Every recipe by the name that `--recipe` takes."""

USUAL: dict[str, Recipe] = {
    "lenet5_1998": LENET5_RBF,
    **dict.fromkeys(
        ("alexnet", "alexnet_single", "zfnet", "overfeat_fast", "overfeat_accurate", "vgg11",
         "vgg11_lrn", "vgg13", "vgg16_c", "vgg16", "vgg19", "googlenet", "yolo", "fast_yolo"),
        SCRATCH_PLAIN),
}  # fmt: skip
"""How networks learn from random weights that do not learn as others do."""


def recipe_named(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        UnknownName: with the closest names.
    """
    if name not in RECIPES:
        raise UnknownName("recipe", name, RECIPES)
    return RECIPES[name]
