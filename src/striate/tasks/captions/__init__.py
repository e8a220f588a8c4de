"""A sentence about a picture: the task, its methods, and the recognizers they make.

task         what this task owes the house (`striate.tasks.contract`)
answers      a caption and how it is shown; drawing: under its picture, and a map for each word
describer    a network and a decoder of words (Show and Tell; Show, Attend and Tell)
neighbors    sentences of the most alike training pictures; constant: one sentence for all
learning     how each method learns; problem: cross-entropy of the next word for `striate.fit`
scores       BLEU and CIDEr-D, people and intervals; sections, card: beside the truth
"""
