"""The ways to learn speech, as the lectures have them: traditional, deep, convolutional."""

from functools import partial

from striate.tasks.contract import Method
from striate.tasks.speech.learning import learn_mixtures, learn_network

NEEDS = (("soundfile", "audio"),)
DNN = {"kind": "dnn", "hidden": [384] * 3, "dropout": 0.1}
DBN = {"kind": "dnn", "hidden": [384] * 3, "logistic": True}
CNN = {"kind": "cnn", "sharing": "limited", "maps": 32, "hidden": [384, 384], "dropout": 0.1}
FULL = {"kind": "cnn", "sharing": "full", "maps": 80, "hidden": [384, 384], "dropout": 0.1}

METHODS = {
    "gmm-hmm": Method("Mixtures on cepstra", "handcrafted", learn_mixtures,
                      needs=NEEDS),
    "dnn-hmm": Method("A deep network", "scratch", partial(learn_network, plan=DNN),
                      by_epochs=True, needs=NEEDS),
    "cnn-hmm": Method("A convolution along frequency", "scratch", partial(learn_network, plan=CNN),
                      by_epochs=True, needs=NEEDS),
    "cnn-hmm-full": Method("A convolution with full weight sharing", "scratch",
                           partial(learn_network, plan=FULL), by_epochs=True, needs=NEEDS),
    "dbn-dnn-hmm": Method("A deep network, pre-trained layer by layer", "finetune",
                          partial(learn_network, plan=DBN, pretrain=True), by_epochs=True,
                          needs=NEEDS),
}  # fmt: skip
"""In the order of a table."""
