"""What to learn: recipes as frozen dataclasses (recipe.py), read from YAML (read.py).

The YAML files beside this one are the recipes that ship, each under its file's name. Another recipe is a file anywhere:
`pellucid train path/to/mine.yaml`.
"""

from pellucid.learn.recipes.read import differing_keys, load_recipe, packaged, recipe_from_text, recipe_to_text
from pellucid.learn.recipes.recipe import Recipe

__all__ = ["Recipe", "differing_keys", "load_recipe", "packaged", "recipe_from_text", "recipe_to_text"]
