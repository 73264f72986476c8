"""Models of other providers, reached through packages that are optional."""
