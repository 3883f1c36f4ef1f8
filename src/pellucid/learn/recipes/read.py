"""Recipes from YAML and back, with `--set key=value` on top.

Every key is a field of a dataclass: unknown ones are refused with the known ones listed, values of another type with
the type that was expected. Nothing is guessed.
"""

from __future__ import annotations

import dataclasses
import math
import typing
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from pellucid.errors import UsageError, unknown_name
from pellucid.learn.recipes.recipe import FREE_TO_DIFFER, Choice, Recipe, colours_of

STATED_ONCE = ("scale", "colours")
"""Settings that come from the recipe's own `scale` and `data.channels` and are not written a second time."""


def packaged() -> list[str]:
    """The names of the recipes that ship."""
    folder = resources.files("pellucid.learn.recipes")
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def load_recipe(name: str | Path, changes: Sequence[str] = ()) -> Recipe:
    """The recipe that ships under this name, or is in this YAML file, with `key=value` changes; dots go down. [C3]"""
    mapping = _parse(_text_of(str(name)), f"recipe {name}")
    for change in changes:
        _apply(mapping, change)
    return _recipe(mapping)


def recipe_from_text(text: str) -> Recipe:
    """The inverse of `recipe_to_text`."""
    return _recipe(_parse(text, "the recipe"))


def recipe_to_text(recipe: Recipe) -> str:
    """The recipe in full, defaults included, as YAML."""
    return yaml.safe_dump(_to_mapping(recipe), sort_keys=False, width=120, allow_unicode=True)


def differing_keys(a: Recipe, b: Recipe) -> list[tuple[str, Any, Any]]:
    """(dotted key, a's value, b's value) wherever the two would learn different weights."""
    flat_a, flat_b = (dict(_flatten(_to_mapping(recipe))) for recipe in (a, b))
    keys = [key for key in {**flat_a, **flat_b} if key.partition(".")[0] not in FREE_TO_DIFFER]
    return [(key, flat_a.get(key), flat_b.get(key)) for key in keys if flat_a.get(key) != flat_b.get(key)]


def _text_of(name: str) -> str:
    if name in packaged():
        return (resources.files("pellucid.learn.recipes") / f"{name}.yaml").read_text("utf-8")
    if "/" not in name and not name.endswith((".yaml", ".yml")):
        raise unknown_name("recipe", name, packaged())
    try:
        return Path(name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("the recipe cannot be read", seen=f"{name}: {error}") from None


def _parse(text: str, what: str) -> dict[str, Any]:
    try:
        mapping = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"{what} is not YAML", seen=" ".join(str(error).split())) from None
    if not isinstance(mapping, dict):
        raise UsageError(f"{what} is not a recipe", seen=type(mapping).__name__, expected="keys and values")
    return mapping


def _apply(mapping: dict[str, Any], change: str) -> None:
    key, equals, value = change.partition("=")
    if not equals or not key.strip():
        raise UsageError("a change to the recipe cannot be read", seen=change, expected="key=value")
    *path, last = key.strip().split(".")
    for step in path:
        inner = mapping.setdefault(step, {})
        if not isinstance(inner, dict):  # `loss: mse` is short for `loss: {name: mse}`
            inner = mapping[step] = {"name": inner}
        mapping = inner
    try:
        mapping[last] = yaml.safe_load(value)
    except yaml.YAMLError:
        mapping[last] = value


def _recipe(mapping: dict[str, Any]) -> Recipe:
    scale = _scalar("scale", mapping.get("scale", 1), int)
    data = mapping.get("data")
    channels = data.get("channels", "rgb") if isinstance(data, dict) else "rgb"
    return _build(Recipe, mapping, "", {"scale": scale, "colours": colours_of(str(channels))})


def _build(kind: type, mapping: Any, where: str, stated: Mapping[str, int]) -> Any:
    """An instance of the dataclass `kind` from plain values; `where` is the dotted way to it, for messages."""
    if not isinstance(mapping, dict):
        raise UsageError(f"recipe: {where} is wrong", seen=repr(mapping), expected="keys and values")
    fields = {field.name: field for field in dataclasses.fields(kind)}
    types = typing.get_type_hints(kind)
    for key in mapping:
        if key not in fields:
            known = [name for name in fields if name not in stated or not where]
            raise unknown_name(f"key in {where or 'the recipe'}:", str(key), known)
    values = {}
    for name, field in fields.items():
        path = f"{where}.{name}" if where else name
        if "kinds" in field.metadata:
            values[name] = _choice(field.metadata, mapping.get(name), path, stated)
        elif dataclasses.is_dataclass(types[name]):
            values[name] = _build(typing.cast(type, types[name]), mapping.get(name, {}), path, stated)
        elif name in mapping:
            values[name] = _scalar(path, mapping[name], types[name])
        elif field.default is dataclasses.MISSING:
            raise UsageError("the recipe is not complete", seen=f"no {path}", expected=f"{path}: ...")
    return kind(**values)


def _choice(metadata: Mapping[str, Any], value: Any, path: str, stated: Mapping[str, int]) -> Choice:
    kinds = metadata["kinds"]()
    value = {"name": value} if isinstance(value, str) else dict(value) if isinstance(value, dict) else value
    value = {"name": metadata["default"]} if value is None else value
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise UsageError(f"recipe: {path} has no name", seen=value, expected="one of " + ", ".join(sorted(kinds)))
    name = value.pop("name")
    if name not in kinds:
        raise unknown_name(path, name, list(kinds))
    fields = [field.name for field in dataclasses.fields(kinds[name])]
    for key in STATED_ONCE:
        if key in value and key in fields:
            raise UsageError(
                f"recipe: {path}.{key} is stated elsewhere",
                seen=value[key],
                hint="set `scale`, or `data.channels`, of the recipe itself",
            )
    return Choice(name, _build(kinds[name], value | {k: v for k, v in stated.items() if k in fields}, path, stated))


def _scalar(path: str, value: Any, kind: type) -> Any:
    if kind is float and isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            number = float(value)  # YAML takes 1e-4, without a dot, for a text
        except ValueError:
            number = math.nan
        if math.isfinite(number):
            return number
    elif isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    words = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
    raise UsageError(f"recipe: {path} has the wrong type", seen=repr(value), expected=words.get(kind, kind.__name__))


def _to_mapping(value: Any) -> Any:
    if isinstance(value, Choice):
        settings = _to_mapping(value.settings)
        return {"name": value.name} | {key: v for key, v in settings.items() if key not in STATED_ONCE}
    if dataclasses.is_dataclass(value):
        return {field.name: _to_mapping(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return value


def _flatten(mapping: Mapping[str, Any], where: str = "") -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for key, value in mapping.items():
        pairs += _flatten(value, f"{where}{key}.") if isinstance(value, dict) else [(f"{where}{key}", value)]
    return pairs
