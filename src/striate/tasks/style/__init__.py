"""A photograph in the style of a painting, by a network that has learned that one style."""
