"""Augmentations by name: ours, and those of the papers to the letter."""

import math

from striate.augment.augmentation import NONE, Augmentation
from striate.augment.crops import Crops
from striate.augment.geometry import Spread

# Views of characters: nothing that turns one letter into another, so no mirror.
CHARACTERS = Augmentation(Spread(rotation=8, zoom=0.08, stretch=0.08, shear=6, shift=0.06))

# Views of photographs: the mirror image of a thing is the same thing.
PHOTOGRAPHS = Augmentation(
    Spread(mirror=0.5, rotation=8, zoom=0.15, stretch=0.1, shift=0.05),
    brightness=0.15,
    contrast=0.15,
    saturation=0.15,
)

# Jordan 2024 (arXiv:2404.00498): shifts by up to 2 of 32 pixels.
AIRBENCH = Augmentation(Spread(mirror=0.5, shift=2 / 32))

MIRROR = Spread(mirror=0.5)
PRINCIPAL = 0.1  # deviation of AlexNet's PCA colors (Section 4.1)

# Krizhevsky et al. 2012, Section 4.1: windows of 256 pixels. The paper writes 224 for what its
# network reads; its layers need 227 (see docs/networks.md).
ALEXNET = Augmentation(MIRROR, principal=PRINCIPAL, crops=Crops(window=227, sides=(256, 256)))

# Simonyan & Zisserman 2015, Section 3.1: the shorter side drawn from 256 to 512 pixels.
VGG = Augmentation(MIRROR, principal=PRINCIPAL, crops=Crops(window=224, sides=(256, 512)))

# He et al. 2016, Section 3.4: the shorter side drawn from 256 to 480 pixels.
RESNET = Augmentation(MIRROR, principal=PRINCIPAL, crops=Crops(window=224, sides=(256, 480)))

# The same, Section 4.2: four zeros on each side, and a window of 32 pixels.
RESNET_CIFAR = Augmentation(MIRROR, crops=Crops(window=32, sides=(32, 32), padding=4))

# Szegedy et al. 2015, Section 6: windows of 8 to 100 % of the area and 3:4 to 4:3. The photometric
# distortions are Howard's (2013, arXiv:1312.5402): contrast, brightness and color by 0.5 to 1.5,
# then AlexNet's colors. The paper tests on mirror images and does not say whether it learns them.
GOOGLENET = Augmentation(
    Spread(mirror=0.5, crop=(0.08, 1.0), stretch=math.log(4 / 3)),
    brightness=0.5,
    contrast=0.5,
    saturation=0.5,
    principal=PRINCIPAL,
)

# Redmon et al. 2016 (arXiv:1506.02640), Section 2.2: scaling and translations of up to 20 %,
# exposure and saturation by a factor of up to 1.5; the mirror is from the authors' program.
YOLO = Augmentation(Spread(mirror=0.5, zoom=0.2, shift=0.2), brightness=0.5, saturation=0.5)

AUGMENTATIONS: dict[str, Augmentation] = {
    "none": NONE,
    "characters": CHARACTERS,
    "photographs": PHOTOGRAPHS,
    "airbench": AIRBENCH,
    "alexnet": ALEXNET,
    "vgg": VGG,
    "googlenet": GOOGLENET,
    "resnet": RESNET,
    "resnet_cifar": RESNET_CIFAR,
    "yolo": YOLO,
}
