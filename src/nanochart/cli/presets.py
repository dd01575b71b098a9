"""``nanochart presets``."""

from pathlib import Path
from typing import Annotated

import typer

from nanochart.cli.app import app
from nanochart.cli.options import JsonFlag, TimePerReplica, emit
from nanochart.files import write_text


@app.command()
def presets(
    write: Annotated[
        str | None, typer.Option("--write", help="Write this preset as NAME.yaml.", metavar="NAME")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write instead of NAME.yaml.")
    ] = None,
    coldest: Annotated[
        float | None,
        typer.Option(
            "--from",
            metavar="KELVIN",
            help="Extend the ladder down to this temperature by mapped exchanges.",
        ),
    ] = None,
    time_per_replica: TimePerReplica = None,
    published: Annotated[
        bool,
        typer.Option(
            "--published",
            help="Write the published settings: steps of 5 fs, plain exchanges every 250 ps.",
        ),
    ] = False,
    json: JsonFlag = False,
) -> None:
    """List the shipped configurations, or write one as a commented YAML file."""
    from nanochart.config import PRESETS, preset_text

    if write is None:
        if coldest is not None:
            raise ValueError("--from is of a preset that is written: give --write NAME, too")
        listed = {
            name: {"metal": p.metal, "n_atoms": p.n_atoms, "temperatures": list(p.temperatures)}
            for name, p in PRESETS.items()
        }
        lines = [
            f"{name}: {p.metal}{p.n_atoms}, {len(p.temperatures)} temperatures from "
            f"{p.temperatures[0]} to {p.temperatures[-1]} K"
            for name, p in PRESETS.items()
        ]
        emit(listed, json, lines)
        return
    path = output or Path(f"{write}.yaml")
    length = {}
    if time_per_replica is not None:
        from nanochart.config import nanoseconds

        length = {"time_per_replica": nanoseconds(time_per_replica)}
    text = preset_text(write, coldest=coldest, published=published, **length)
    if path.exists():
        raise ValueError(f"{path} exists already: name another file with --output")
    write_text(path, text)
    emit({"config": str(path)}, json, [f"{path}", f"next: nanochart sample {path}"])
