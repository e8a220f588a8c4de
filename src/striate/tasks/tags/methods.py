"""The four approaches as methods, in the order of a table."""

from striate.models import NETWORKS
from striate.tasks.contract import Method
from striate.tasks.pictures import beginning, starting
from striate.tasks.tags import learning

LINEAR = tuple(name for name in NETWORKS if name != "lenet5_1998")  # that decides by distances

METHODS: dict[str, Method] = {
    "handcrafted": Method(
        "Hand-crafting", "handcrafted", learning.handcrafted, views=learning.words_views
    ),
    "transfer": Method(
        "Transfer",
        "transfer",
        learning.transfer,
        networks=LINEAR,
        views=learning.views,
        find=starting.find,
    ),
    "scratch": Method(
        "Training from scratch",
        "scratch",
        learning.scratch,
        networks=LINEAR,
        by_epochs=True,
        views=beginning.views,
    ),
    "finetune": Method(
        "Fine-tuning",
        "finetune",
        learning.finetune,
        networks=LINEAR,
        by_epochs=True,
        views=learning.views,
        find=starting.find,
    ),
}
