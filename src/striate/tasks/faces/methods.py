"""The ways to learn whether two faces are of one person."""

from functools import partial

from striate.models.backbone import NetworksWith
from striate.tasks.backbones import find_weights
from striate.tasks.contract import Method
from striate.tasks.faces import heads, learning, steps

METHODS: dict[str, Method] = {
    "pixels": Method("Raw pixels", "handcrafted", learning.learn_pixels),
    "lbp": Method("LBP and chi2", "handcrafted", learning.learn_lbp),
    "sift": Method("SIFT, whitened", "handcrafted", learning.learn_sift),
    "transfer": Method(
        "Deep features, whitened",
        "transfer",
        learning.learn_transfer,
        networks=NetworksWith(16, first=learning.NETWORK),
        find=partial(find_weights, learning.NETWORK),
    ),
    "deepface": Method("DeepFace", "scratch", steps.learn_deepface, by_epochs=True),
    **{
        f"deepface_{head}": Method(
            f"DeepFace, {title}",
            "scratch",
            partial(steps.learn_deepface, heads=(head,)),
            by_epochs=True,
        )
        for head, title in heads.TITLES.items()
    },
    "finetune": Method(
        "Fine-tuning with a margin",
        "finetune",
        steps.learn_tuned,
        networks=NetworksWith(16, first=learning.NETWORK),
        by_epochs=True,
        ignores=frozenset(("label_smoothing",)),
        find=partial(find_weights, learning.NETWORK),
    ),
    "triplets": Method(
        "Fine-tuning on triplets",
        "finetune",
        partial(steps.learn_tuned, loss="triplet"),
        networks=NetworksWith(16, first=learning.NETWORK),
        by_epochs=True,
        ignores=frozenset(("label_smoothing",)),
        find=partial(find_weights, learning.NETWORK),
    ),
}
