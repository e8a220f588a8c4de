"""R-CNN (Girshick et al. 2014): regions with features of a convolutional network."""
