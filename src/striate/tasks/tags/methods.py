"""The four approaches as methods, in the order of a table."""

from functools import partial

from striate.models import NETWORKS
from striate.tasks.contract import Method
from striate.tasks.pictures import beginning, durations, starting
from striate.tasks.tags import learning
from striate.tasks.tags.problem import problem

LINEAR = tuple(name for name in NETWORKS if name != "lenet5_1998")  # that decides by distances

SOLVED = frozenset(("balance",))  # settings of what is solved at once

METHODS: dict[str, Method] = {
    "handcrafted": Method(
        "Hand-crafting",
        "handcrafted",
        learning.handcrafted,
        settings=SOLVED,
        views=learning.words_views,
        lasts=partial(durations.of_handcrafted, views=learning.words_views),
    ),
    "transfer": Method(
        "Transfer",
        "transfer",
        learning.transfer,
        settings=SOLVED,
        networks=LINEAR,
        views=learning.views,
        lasts=partial(durations.of_transfer, views=learning.views),
        find=starting.find,
    ),
    "scratch": Method(
        "Training from scratch",
        "scratch",
        learning.scratch,
        networks=LINEAR,
        by_epochs=True,
        views=beginning.views,
        lasts=partial(durations.of_scratch, asked=problem),
    ),
    "finetune": Method(
        "Fine-tuning",
        "finetune",
        learning.finetune,
        networks=LINEAR,
        by_epochs=True,
        views=learning.views,
        lasts=partial(durations.of_finetune, views=learning.views),
        find=starting.find,
    ),
}
