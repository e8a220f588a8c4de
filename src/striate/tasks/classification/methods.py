"""The four approaches as methods, in the order of a table, WELDON, and deep belief nets."""

from functools import partial

from striate.models import NETWORKS
from striate.tasks.classification import (
    dbn,
    finetune,
    handcrafted,
    scratch,
    transfer,
    weldon,
)
from striate.tasks.contract import Method
from striate.tasks.pictures import beginning, durations, features, starting

CHEAP = 3  # seeds of a comparison, for methods that are solved at once

BELIEVED = frozenset(("augmentation", "freeze_statistics"))  # what belief nets do without

SOLVED = frozenset(("balance",))  # settings of what is solved at once

METHODS: dict[str, Method] = {
    "handcrafted": Method(
        "Hand-crafting",
        "handcrafted",
        handcrafted.learn,
        settings=SOLVED,
        seeds=CHEAP,
        views=handcrafted.views,
        lasts=partial(durations.of_handcrafted, views=handcrafted.views),
    ),
    "transfer": Method(
        "Transfer",
        "transfer",
        transfer.learn,
        settings=SOLVED,
        networks=tuple(NETWORKS),
        seeds=CHEAP,
        views=features.views,
        lasts=partial(durations.of_transfer, views=features.views),
        find=starting.find,
    ),
    "scratch": Method(
        "Training from scratch",
        "scratch",
        scratch.learn,
        networks=tuple(NETWORKS),
        by_epochs=True,
        views=beginning.views,
        lasts=partial(durations.of_scratch, asked=scratch.problem),
    ),
    "finetune": Method(
        "Fine-tuning",
        "finetune",
        finetune.learn,
        networks=tuple(NETWORKS),
        by_epochs=True,
        views=features.views,
        lasts=partial(durations.of_finetune, views=features.views),
        find=starting.find,
    ),
    "weldon": Method(
        "WELDON",
        "finetune",
        weldon.learn,
        networks=tuple(NETWORKS),
        by_epochs=True,
        views=weldon.views,
        lasts=partial(durations.of_finetune, views=weldon.views),
        find=weldon.find,
    ),
    "dbn": Method(
        "Deep belief net",
        "scratch",
        partial(dbn.learn, pretrain=True),
        by_epochs=True,
        ignores=BELIEVED,
        choices=dbn.Machines(),
        views=dbn.views,
        lasts=partial(dbn.lasts, usual=dbn.TUNED, pretrain=True),
    ),
    "dbn_random": Method(
        "The belief net's network, begun at random",
        "scratch",
        partial(dbn.learn, pretrain=False),
        by_epochs=True,
        ignores=BELIEVED,
        choices=dbn.Machines(),
        views=dbn.views,
        lasts=partial(dbn.lasts, usual=dbn.TUNED, pretrain=False),
    ),
    "dbn_labels": Method(
        "Deep belief net with labels",
        "scratch",
        dbn.learn_labels,
        by_epochs=True,
        ignores=BELIEVED,
        choices=dbn.Machines(),
        views=dbn.views,
        lasts=partial(dbn.lasts, usual=dbn.UP_DOWN, pretrain=True),
    ),
}
