"""``nanochart presets``."""

from pathlib import Path
from typing import Annotated

import typer

from nanochart._files import write_text
from nanochart.cli._main import app
from nanochart.cli._options import JsonFlag, TimePerReplica, emit


@app.command()
def presets(
    write: Annotated[
        str | None, typer.Option("--write", help="Write this preset as NAME.yaml.", metavar="NAME")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write instead of NAME.yaml.")
    ] = None,
    time_per_replica: TimePerReplica = None,
    json: JsonFlag = False,
) -> None:
    """List the shipped configurations, or write one as a commented YAML file."""
    from nanochart.workflow._presets import PRESETS, preset_text

    if write is None:
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
    if time_per_replica is None:
        text = preset_text(write)
    else:
        from nanochart.workflow import nanoseconds

        text = preset_text(write, nanoseconds(time_per_replica))
    if path.exists():
        raise ValueError(f"{path} exists already: name another file with --output")
    write_text(path, text)
    emit({"config": str(path)}, json, [f"{path}", f"next: nanochart sample {path}"])
