"""Learning: data, networks, recipes, training, export. The only room that may import torch."""
