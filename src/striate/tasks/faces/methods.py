"""The ways to learn whether two faces are of one person."""

from functools import partial

from striate.models.backbone import NetworksWith
from striate.tasks.backbones import find_weights
from striate.tasks.contract import Method
from striate.tasks.faces import learning

METHODS: dict[str, Method] = {
    "pixels": Method("Raw pixels", "handcrafted", learning.learn_pixels),
    "lbp": Method("LBP and chi2", "handcrafted", learning.learn_lbp),
    "sift": Method("SIFT, whitened", "handcrafted", learning.learn_sift),
    "transfer": Method(
        "Deep features, whitened",
        "transfer",
        learning.learn_transfer,
        networks=NetworksWith(8, 16, first=learning.NETWORK),
        find=partial(find_weights, learning.NETWORK),
    ),
}
