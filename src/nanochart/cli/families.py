"""``nanochart families``."""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nanochart.cli.app import app
from nanochart.cli.display import show_progress
from nanochart.cli.options import (
    JsonFlag,
    QuietFlag,
    RunPath,
    Seed,
    Threads,
    emit,
)

if TYPE_CHECKING:
    from nanochart.autoencoder import Model
    from nanochart.store import Run


_MEASURES = {
    "purity_without_mix": "motif purity of 15 neighbours, without mix",
    "purity": "motif purity of 15 neighbours",
    "trustworthiness": "trustworthiness",
    "continuity": "continuity",
    "explained_by_families": "defects explained by families",
    "explained_by_kmeans": "defects explained by k-means on distribution functions",
    "explained_by_chance": "defects explained by a random split",
}


class Distances(StrEnum):
    """What families are found by: decoded distribution functions, or the chart as it lies."""

    reconstruction = "reconstruction"
    chart = "chart"


@app.command()
def families(
    run: RunPath,
    size: Annotated[
        int | None,
        typer.Option(
            help="Fewest points of the sample that make a family; by default the size that gives "
            "the most families that are stable."
        ),
    ] = None,
    distances: Annotated[
        Distances,
        typer.Option(help="Distance of two places: of their reconstructions, or in the chart."),
    ] = Distances.reconstruction,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model",
            "-m",
            help="Model of the chart; by default the one that the run was last trained with.",
        ),
    ] = None,
    seed: Seed = None,
    _threads: Threads = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Split the motifs into families: groups of the chart, each with a card and a sentence."""
    from nanochart import store

    opened = store.open(run, mode="a")
    from nanochart.workflow import families_config, families_path, families_run

    changes = {
        "size": size,
        "seed": opened.metadata.seed if seed is None else seed,
    }
    config = families_config({k: v for k, v in changes.items() if v is not None})
    measure = None if distances is Distances.chart else _model(opened, model)
    with show_progress(quiet) as progress:
        found = families_run(opened, config, model=measure, progress=progress)
    measures = found.provenance.get("measures", {})
    result = {
        "run": str(run),
        "file": str(families_path(opened)),
        "size": found.size,
        "names": list(found.names),
        "noise": found.provenance["noise"],
        "cards": [dict(card) for card in found.cards],
        "measures": measures,
    }
    if json:
        emit(result, as_json=True)
        return
    _print_table(result)
    emit(result, as_json=False, lines=list(_lines(result)))


def _model(run: "Run", path: Path | None) -> "Model | None":
    from nanochart import autoencoder
    from nanochart.workflow import trained_model

    path = path or trained_model(run)
    if run.committed("chart") == 0:
        return None  # what is missing first is said by the stage
    if not path.exists():
        raise ValueError(
            f"there is no model {path}, whose decoder says how far apart two places are: name it "
            "with --model, or ask for --distances chart"
        )
    return autoencoder.load(path)


def _print_table(result: dict[str, Any]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from nanochart.output import printable

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("family", "share", "minima", "purity", "eV above lowest"):
        table.add_column(heading, justify="left" if heading == "family" else "right")
    table.add_column("what it is", ratio=1)
    for card in result["cards"]:
        table.add_row(
            Text(printable(card["name"])),
            f"{card['share']:.1%}",
            str(card["minima"]),
            f"{card['purity']:.0%}",
            f"{card['energy_low']:.2f} to {card['energy_high']:.2f}",
            Text(printable(card["sentence"])),
        )
    table.add_row("noise", f"{result['noise']:.1%}", "", "", "", "")
    Console().print(table)


def _lines(result: dict[str, Any]) -> Iterator[str]:
    for key, what in _MEASURES.items():
        value = result["measures"].get(key)
        if value is not None:
            yield f"{what}: {value:.3f}"
    yield f"{result['file']}: {len(result['cards'])} families"
    yield f"next: nanochart report {result['run']}"
