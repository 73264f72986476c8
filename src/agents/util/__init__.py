"""Small tools without a floor of their own: nothing here knows of agents, runs or models."""
