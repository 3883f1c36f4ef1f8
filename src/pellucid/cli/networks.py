"""`pellucid networks`: every network that can be built, with its parameters, multiply-adds and receptive field. [C7]
[E5] [B1 to B13]"""

from __future__ import annotations

import json
from typing import Any

import click

from pellucid.cli.columns import columns


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """List the networks that can be built: parameters, multiply-adds at the size each is described for, and how many
    pixels one number of its last map depends on ("all" where the first layer sees the whole picture).

    B1 to B13 are the documents' networks, by their rows in docs/coverage.md; recipes train the others."""
    rows = describe()
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    headings = ("network", "for", "input", "parameters", "M multiply-adds", "receptive field")
    cells = [
        (
            row["name"],
            row["for"],
            "{2} x {1} x {0}".format(*row["input"]),
            f"{row['parameters']:,}",
            _millions(row["multiply_adds"]),
            "{1} x {0}".format(*row["receptive_field"]) if row["receptive_field"] else "all",
        )
        for row in rows
    ]
    click.echo("\n".join(columns(headings, cells, right=range(3, 6))))


def _millions(count: float) -> str:
    return f"{count / 1e6:,.1f}" if count >= 1e6 else f"{count / 1e6:.2g}"


def describe() -> list[dict[str, Any]]:
    """The figures of every network, counted on its modules; no weights are made and nothing is computed."""
    import torch

    from pellucid.learn.inspect.module_field import FieldWatch
    from pellucid.learn.networks import DENOISERS, NETWORKS, build_network
    from pellucid.learn.networks.documented import DOCUMENTED
    from pellucid.learn.training.sums import multiply_adds

    rows = []
    with torch.device("meta"):
        known = [(name, entry.build(), entry.size, entry.row) for name, entry in DOCUMENTED.items()]
    for name in NETWORKS | DENOISERS:
        network = build_network(name)
        known.append((name, network, (_colours(network), 64, 64), "recipes"))
    for name, network, size, purpose in known:
        x = torch.zeros(1, *size, device=next(network.parameters()).device)
        with FieldWatch(x) as field:
            sums = multiply_adds(network, x)
        rows.append(
            {
                "name": name,
                "for": purpose,
                "input": list(size),
                "parameters": sum(p.numel() for p in network.parameters()),
                "multiply_adds": sums,
                "receptive_field": field.size and list(field.size),
            }
        )
    return rows


def _colours(network: Any) -> int:
    """How many channels it says that it takes, or the first weights with more than one axis read."""
    return getattr(network, "inputs", None) or next(p.shape[1] for p in network.parameters() if p.ndim == 4)
