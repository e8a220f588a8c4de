"""Questions about pictures (Malinowski, Rohrbach & Fritz 2015)."""
