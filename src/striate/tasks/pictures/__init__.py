"""What tasks have in common that say something of a whole picture: no task of its own.

predictor      from pixels to what is said of them: a network, or what has the form of one
building       networks and visual words built again from a file's header
starting       networks to learn on, and the weights that they start from
features       deep features of a set by a trained network
problem        batches and views of pictures for `striate.fit`; upper_layers: above a frozen trunk
beginning      learning from nothing: network, size, recipe; finetuning: from trained weights
durations      about how long learning takes here
graph, exported  all of an answer as one graph, and that graph run by another runtime
hiding         what is lost where a part of a picture is hidden
"""
