"""Key points: where the parts of the thing in a picture are."""
