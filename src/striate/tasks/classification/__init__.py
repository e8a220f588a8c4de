"""One class an image: the task, its methods, and the recognizers they make.

task           what this task owes the house (`striate.tasks.contract`)
predictor      from pixels to calibrated probabilities; network and visual_words are its kinds
exported       the same from an exported file
calibration    probabilities that match accuracy; familiarity: "none of these"
methods        the four approaches: handcrafted, transfer, scratch, finetune
problem        cross-entropy for `striate.fit`; upper_layers: above a frozen trunk
scores, evaluating, windows, report   answers beside the truth
"""
