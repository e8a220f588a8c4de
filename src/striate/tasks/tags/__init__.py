"""Any number of classes an image: the task, its methods, and the recognizers they make.

task           what this task owes the house (`striate.tasks.contract`)
answers        probabilities of the classes, and which of them are there
calibration    probabilities that match frequencies, and a threshold for each class
predictor      from pixels to both; TagNetwork and TagWords are its kinds
exported       the same from an exported file
methods        the four approaches: handcrafted, transfer, scratch, finetune
heads          a linear classifier for all classes at once, solved; problem: binary cross-entropy
scores, report, card   answers beside the truth
"""
