"""Deformable part models (Felzenszwalb et al. 2010): roots and parts on HOG features."""
