"""The pure core: facts, state, decisions. Standard library only."""
