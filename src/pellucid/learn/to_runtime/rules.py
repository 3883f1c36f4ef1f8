"""The table of translations: ATen operation -> the function that makes nodes of it. A duplicate raises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pellucid.learn.to_runtime.building import Builder

Rule = Callable[[Builder, dict[str, Any]], Any]
"""Receives the builder and the operation's arguments by ATen's names; returns a Value, or a tuple of them."""

RULES: dict[str, Rule] = {}


def rule(*operations: str) -> Callable[[Rule], Rule]:
    """Registers a translation under the names of ATen operations, without overloads."""

    def register(function: Rule) -> Rule:
        for operation in operations:
            if operation in RULES:
                raise ValueError(f"two translations of {operation}")
            RULES[operation] = function
        return function

    return register
