"""The runtime: one loop over one log, and what it asks of the world."""
