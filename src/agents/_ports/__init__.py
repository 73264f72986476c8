"""The protocols that adapters implement and the run depends on."""
