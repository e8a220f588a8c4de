"""The four approaches as methods, in the order of a table, and WELDON."""

from striate.models import NETWORKS
from striate.tasks.classification import (
    durations,
    finetune,
    handcrafted,
    scratch,
    transfer,
    weldon,
)
from striate.tasks.contract import Method
from striate.tasks.pictures import beginning, features, starting

CHEAP = 3  # seeds of a comparison, for methods that are solved at once

METHODS: dict[str, Method] = {
    "handcrafted": Method(
        "Hand-crafting",
        "handcrafted",
        handcrafted.learn,
        seeds=CHEAP,
        views=handcrafted.views,
        lasts=durations.of_handcrafted,
    ),
    "transfer": Method(
        "Transfer",
        "transfer",
        transfer.learn,
        networks=tuple(NETWORKS),
        seeds=CHEAP,
        views=features.views,
        lasts=durations.of_transfer,
        find=starting.find,
    ),
    "scratch": Method(
        "Training from scratch",
        "scratch",
        scratch.learn,
        networks=tuple(NETWORKS),
        by_epochs=True,
        views=beginning.views,
        lasts=durations.of_scratch,
    ),
    "finetune": Method(
        "Fine-tuning",
        "finetune",
        finetune.learn,
        networks=tuple(NETWORKS),
        by_epochs=True,
        views=features.views,
        lasts=durations.of_finetune,
        find=starting.find,
    ),
    "weldon": Method(
        "WELDON",
        "finetune",
        weldon.learn,
        networks=tuple(NETWORKS),
        by_epochs=True,
        views=weldon.views,
        find=weldon.find,
    ),
}
