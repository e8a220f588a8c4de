"""Faster R-CNN (Ren et al. 2015): one network proposes regions, one classifies them."""
