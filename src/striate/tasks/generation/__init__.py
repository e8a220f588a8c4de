"""Pictures that nobody took: the task, its methods, and the recognizers they make.

task         what this task owes the house (`striate.tasks.contract`)
views        the size at which pictures are learned and made
sampler      what every predictor here can: samples by a seed; noise: vectors that people give
generator    a network from noise to pictures; gaussian: principal components, drawn
problem      two players as a learning problem for `striate.fit`; learning: each method
judge        the network whose features samples are judged by
scores       Fréchet distance with floor and ceiling, and what else tells good samples
"""
