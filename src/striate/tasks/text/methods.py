"""The methods, in the order of a table."""

from functools import partial

from striate.models.kim import Variant
from striate.tasks.contract import Approach, Method
from striate.tasks.text import bow, kim

NETWORKS = ("kim",)


def _on_vectors(title: str, approach: Approach, variant: Variant) -> Method:
    return Method(
        title,
        approach,
        partial(kim.learn, variant=variant),
        networks=NETWORKS,
        by_epochs=True,
        find=kim.find,
    )


METHODS: dict[str, Method] = {
    "bow": Method("A bag of words", "handcrafted", bow.learn, seeds=3),
    "cnn-static": _on_vectors("CNN-static", "transfer", "static"),
    "cnn-rand": Method("CNN-rand", "scratch", partial(kim.learn, variant="rand"), by_epochs=True),
    "cnn-non-static": _on_vectors("CNN-non-static", "finetune", "non_static"),
    "cnn-multichannel": _on_vectors("CNN-multichannel", "finetune", "multichannel"),
}
