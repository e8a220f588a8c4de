"""The methods, in the order of a table."""

from functools import partial

from striate.models import NETWORKS
from striate.tasks.captions import encoders, learning
from striate.tasks.contract import Method
from striate.tasks.pictures import starting

MAPPED = tuple(name for name in NETWORKS if not name.startswith("lenet"))  # with maps to read

METHODS: dict[str, Method] = {
    "constant": Method("The same sentence for all", "handcrafted", learning.constant),
    "hog_neighbors": Method(
        "Neighbors by HOG",
        "handcrafted",
        learning.hog_neighbors,
        views=encoders.plain_views,
    ),
    "deep_neighbors": Method(
        "Neighbors by deep features",
        "transfer",
        learning.deep_neighbors,
        networks=MAPPED,
        views=encoders.views,
        find=starting.find,
    ),
    "show_and_tell": Method(
        "Show and Tell",
        "transfer",
        partial(learning.describe, image="first"),
        networks=MAPPED,
        by_epochs=True,
        views=encoders.views,
        find=starting.find,
        ignores=frozenset(("kept_rate", "freeze_statistics")),
    ),
    "attend": Method(
        "Show, Attend and Tell",
        "transfer",
        partial(learning.describe, image="attended"),
        networks=MAPPED,
        by_epochs=True,
        views=encoders.views,
        find=starting.find,
        ignores=frozenset(("kept_rate", "freeze_statistics")),
    ),
    "tuned": Method(
        "Show and Tell, tuned",
        "finetune",
        partial(learning.describe, image="first", tuned=True),
        networks=MAPPED,
        by_epochs=True,
        views=encoders.views,
        find=starting.find,
    ),
}
