"""Layers and ways of running them that networks share."""
