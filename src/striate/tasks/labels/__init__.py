"""What tasks have in common whose answer is one class an input: no task of its own.

answers        probabilities of the classes, and how they are shown
calibration    probabilities that match accuracy
report         what a method confuses, and whether its probabilities hold
scores         answers beside the true classes
task           a `Task` without methods, for pictures and texts alike
"""
