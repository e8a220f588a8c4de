"""The tables of the papers that brought networks to other tasks: which method comes first there,
and which on the data here?"""

from striate.experiments.material import opened
from striate.experiments.ordering import Order, Trial

DETECTION = Trial(  # blood cells
    lambda seed: opened("bccd", seed=seed),
    [
        Order(
            {"faster_rcnn": 73.2, "yolo": 63.4, "rcnn": 58.5, "dpm": 34.3},
            "mAP, VOC'07",
            why={
                ("yolo", "rcnn"): (
                    "blood cells lie close together, where YOLO's cells are coarse (its paper, "
                    "Section 2.4); and it learned from 16,551 pictures, R-CNN from 5,011"
                ),
                ("rcnn", "dpm"): "cells have an outline that HOG can see, and hardly vary",
            },
        )
    ],
    quick=(16, ("epochs=1",)),
)
SEGMENTATION = Trial(  # streets
    lambda seed: opened("camvid", seed=seed),
    [Order({"deeplab_crf": 66.4, "fcn8s": 62.2}, "mean IoU, VOC'12 test")],
    quick=(24, ("epochs=1",)),
    task="segmentation",
)
SENTENCES = Trial(  # opinions of films
    lambda seed: opened("text/mr.tsv", seed=seed),
    [
        Order(
            {"cnn-non-static": 81.5, "cnn-static": 81.0, "bow": 77.7, "cnn-rand": 76.1},
            "accuracy, MR in ten folds: Kim 2014; words and pairs: Wang & Manning 2012",
            why={
                ("cnn-non-static", "cnn-static"): (
                    "the paper's own difference is 0.5 points, less than between two of its folds"
                ),
                ("cnn-static", "bow"): "vectors of 50 numbers here, of 300 in the paper",
            },
        )
    ],
    quick=(4_000, ("epochs=4",)),
)
SPEECH = Trial(  # names, dates and commands, spoken
    lambda seed: opened("an4", seed=seed),
    [
        Order(
            {"dnn-hmm": 18.5, "gmm-hmm": 27.4},
            "words wrong in %, Switchboard: the lecture",
            errors=True,
            why={("dnn-hmm", "gmm-hmm"): "42 minutes of speech here, 309 hours there"},
        ),
        Order(
            {"cnn-hmm": 33.4, "dnn-hmm": 35.4},
            "words wrong in %, voice search: Abdel-Hamid et al. 2014",
            errors=True,
            why={("cnn-hmm", "dnn-hmm"): "the paper's own difference is 6 % of the errors"},
        ),
    ],
    quick=(120, ("epochs=1",)),
)
BELIEF_NETS = Trial(  # digits, with and without what a stack of machines has learned before
    lambda seed: opened("mnist", seed=seed),
    [
        Order(
            {"dbn": 1.2, "dbn_random": 1.6}, "digits wrong in %: Hinton & Salakhutdinov 2006", True
        )
    ],
    quick=(3_000, ("epochs=4", "passes=10")),
    seeds=1,
)
QUESTIONS = Trial(  # questions about rooms, with and without the picture
    lambda seed: opened("daquar", seed=seed),
    [
        Order(
            {"neurons": 19.43, "blind": 17.15},
            "accuracy, DAQUAR, answers of one word: Malinowski et al. 2015",
            why={
                ("neurons", "blind"): (
                    "the paper's own difference is 2 points, of 5,673 questions; here are 1,336"
                )
            },
        )
    ],
    quick=(1_500, ("epochs=6",)),
    task="questions",
)
CAPTIONS = Trial(  # sentences about photographs
    lambda seed: opened("flickr8k", seed=seed),
    [
        Order(
            {"attend": 67.0, "show_and_tell": 63.0},
            "BLEU-1, Flickr8k, soft attention: Xu et al. 2015, Table 1",
            why={("attend", "show_and_tell"): "500 pictures to learn from, 6,000 there"},
        )
    ],
    quick=(100, ("epochs=1",)),
    task="captions",
)
VERIFICATION = Trial(  # pairs of faces
    lambda seed: opened("faces_lfw", seed=seed),
    [
        Order(
            {"deepface_chi2": 97.00, "deepface_inner": 95.92}, "accuracy, LFW: Taigman et al. 2014"
        )
    ],
    quick=(110, ("epochs=1",)),
    task="faces",
)
