"""YOLO (Redmon et al. 2015): detection as one regression over a grid of cells."""
