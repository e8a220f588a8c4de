"""Detection: where the objects in a picture are, and what they are."""
