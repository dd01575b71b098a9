"""Options that commands share, and how they report progress and results.

Commands open the run they are given before they import what works on it: a wrong path is told at
once.
"""

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nanochart.output import printable, to_json

if TYPE_CHECKING:
    from nanochart.config import StagesConfig
    from nanochart.potentials import Potential

__all__ = [
    "Cell",
    "ConfigFile",
    "JsonFlag",
    "LargestFragment",
    "LengthUnit",
    "ModelFile",
    "QuietFlag",
    "RunPath",
    "RunPaths",
    "Seed",
    "SkipBadFrames",
    "Threads",
    "TimePerReplica",
    "Unwrap",
    "as_given",
    "cell_edges",
    "emit",
    "given",
    "left_out_lines",
    "say",
    "stages_of",
]

RunPaths = Annotated[
    list[Path],
    typer.Argument(
        metavar="RUN...", help="Folder of the run (NAME.zarr), or folders of several runs."
    ),
]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the run (NAME.zarr).")]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        metavar="CONFIG",
        help="YAML file whose sections count in place of those that the run was sampled with.",
    ),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")]
ModelFile = Annotated[
    Path | None,
    typer.Option(
        "--model",
        "-m",
        help="Trained model; by default the one that the run was last trained with.",
    ),
]
QuietFlag = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads", min=1, max=4096, help="Number of threads; by default one for each core."
    ),
]
TimePerReplica = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Simulated time of each replica that is stored, with its unit, as 20ns.",
    ),
]
Seed = Annotated[
    int | None, typer.Option("--seed", min=0, max=2**63 - 1, help="Seed of the random numbers.")
]
Unwrap = Annotated[
    bool, typer.Option("--unwrap", help="Join clusters that a periodic boundary cuts.")
]
Cell = Annotated[
    str | None,
    typer.Option(
        metavar="L|LX,LY,LZ",
        help="Edges of the box as simulated, in Å, where the files do not say.",
    ),
]
LengthUnit = Annotated[
    str | None, typer.Option(help="Unit of length of the files: bohr, nm or pm; else Å.")
]
LargestFragment = Annotated[
    bool, typer.Option("--largest-fragment", help="Keep the largest piece of each frame.")
]
SkipBadFrames = Annotated[
    bool, typer.Option("--skip-bad-frames", help="Leave out frames that cannot be used.")
]


def say(text: str, *, err: bool = False) -> None:
    """Print a line to the terminal, which obeys nothing that is in it; paths as they were given."""
    typer.echo(printable(as_given(text)), err=err)


def as_given(text: str) -> str:
    """Write the paths of a text as the user of a command writes them.

    Stages make paths absolute when they take them up. Those in the folder that the command was
    called in are relative to it again, unless the command line itself has such a path in full.
    """
    here = f"{Path.cwd()}{os.sep}"
    if any(here in argument for argument in sys.argv[1:]):
        return text
    return re.sub(rf"(?<![^\s'\"`=(,:\[]){re.escape(here)}", "", text)


def emit(result: dict[str, Any], as_json: bool, lines: list[str] | None = None) -> None:
    """Print a result, for a program or for a person."""
    if as_json:
        say(to_json(result))
        return
    for line in lines if lines is not None else [f"{k}: {v}" for k, v in result.items()]:
        say(line)


def stages_of(config: Path | None, *names: str) -> "StagesConfig":
    """Sections of ``--config``: none without it.

    Raises
    ------
    ConfigError
        If the file has none of those that are named.
    """
    from nanochart.config import StagesConfig, load_stages
    from nanochart.errors import ConfigError

    stages = StagesConfig() if config is None else load_stages(config)
    if config is not None and all(getattr(stages, name) is None for name in names):
        raise ConfigError(
            f"{config} must have a section {' or '.join(names)}, which this command takes of it; "
            "got none: add it, or leave --config away"
        )
    return stages


def potential_of_file(file: Path | None, metal: str) -> "tuple[Potential | None, Path | None]":
    """What --potential names: the calculator of a configuration, or else the file of a table."""
    if file is not None and file.suffix in {".yaml", ".yml"}:
        return calculator_of_file(file, metal), None
    return None, file


def calculator_of_file(file: Path | None, metal: str) -> "Potential | None":
    """Potential of the calculator that the user's own configuration names; its code is called.

    Raises
    ------
    ConfigError
        If the file names none, or it cannot be made.
    """
    from nanochart.config import load_calculator
    from nanochart.workflow import calculator_potential

    return None if file is None else calculator_potential(load_calculator(file), metal)


def given(**options: Any) -> dict[str, Any]:
    """Options that were typed."""
    return {name: value for name, value in options.items() if value is not None}


def cell_edges(cell: str | None) -> list[float] | None:
    """Edges of a box as they are typed."""
    if cell is None:
        return None
    try:
        edges = [float(word) for word in cell.split(",")]
    except ValueError:
        edges = []
    if len(edges) not in {1, 3}:
        raise ValueError(f"--cell must be one edge or three in Å, as 40 or 40,40,60; got {cell!r}")
    return edges


def left_out_lines(files: dict[str, Any]) -> list[str]:
    """Sentences about what was left out of each file."""
    lines = []
    for name, what in files.items():
        if what["bad"]:
            lines.append(f"left out {what['bad']} bad frames of {name}; the first: {what['first']}")
        if what["other_sizes"]:
            lines.append(f"left out {what['other_sizes']} frames of other sizes of {name}")
    return lines
