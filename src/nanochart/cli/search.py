"""``nanochart search``."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nanochart.cli.app import app
from nanochart.cli.display import show_progress
from nanochart.cli.execution import (
    ExecutorKind,
    ExecutorOption,
    Resume,
    Scheduler,
    SchedulerFile,
    make_executor,
)
from nanochart.cli.interrupts import INTERRUPTS
from nanochart.cli.options import (
    JsonFlag,
    QuietFlag,
    Seed,
    Threads,
    emit,
    given,
    potential_of_file,
    say,
)

if TYPE_CHECKING:
    from nanochart.potentials import Potential

#: Minima that are printed.
_SHOWN = 10


@app.command()
def search(
    system: Annotated[
        str,
        typer.Argument(
            metavar="METAL|CONFIG", help="Chemical symbol of the metal, or a YAML configuration."
        ),
    ],
    n_atoms: Annotated[
        int | None, typer.Argument(metavar="[ATOMS]", min=3, max=3000, help="Number of atoms.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Folder of the new run; by default as au147-minima.zarr."
        ),
    ] = None,
    potential: Annotated[
        Path | None,
        typer.Option(
            help="An eam/alloy or eam/fs table, or a configuration (.yaml) that names a "
            "calculator; by default the Gupta potential."
        ),
    ] = None,
    motif: Annotated[
        str | None, typer.Option(help="Motif of which alone minima are wanted, as dh.")
    ] = None,
    keep: Annotated[
        int, typer.Option(min=1, max=100_000, help="Distinct minima to keep, the lowest.")
    ] = 200,
    quenches: Annotated[
        int | None, typer.Option(min=1, help="Quenches at most; by default 20,000.")
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Quenches without a lower minimum that end the search; by default 1,000 or more.",
        ),
    ] = None,
    walkers: Annotated[
        int, typer.Option(min=1, max=4096, help="Walkers that share what they found.")
    ] = 4,
    random_starts: Annotated[
        bool, typer.Option("--random-starts", help="Begin at random places alone.")
    ] = False,
    export: Annotated[
        Path | None, typer.Option(help="Write the minima to this file, too, as extended XYZ.")
    ] = None,
    resume: Resume = False,
    executor: ExecutorOption = ExecutorKind.THREADS,
    threads: Threads = None,
    scheduler: Scheduler = None,
    scheduler_file: SchedulerFile = None,
    seed: Seed = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Search for the lowest minima of a cluster, by basin hopping.

    The run that it makes holds the minima as frames, quenched and labelled. A stopped search goes
    on with --resume and gives the minima of one that was never stopped; they do not depend on the
    number of threads either.
    """
    pot, n, own_seed = _system(system, n_atoms, potential)
    from nanochart.interop import export_extxyz
    from nanochart.search import SearchConfig
    from nanochart.workflow import found_minima, search_run, shortfalls

    settings = SearchConfig(
        seed=own_seed if seed is None else seed, patience=patience, keep=keep, motif=motif,
        n_walkers=walkers, **given(n_quenches=quenches),
    )  # fmt: skip
    path = output or Path(f"{pot.symbol.lower()}{n}-{motif or 'minima'}.zarr")
    with (
        make_executor(executor, threads, scheduler, scheduler_file) as pool,
        INTERRUPTS.in_rounds() as stop,
        show_progress(quiet) as progress,
    ):
        run = search_run(
            pot, n, path, settings, random_starts=random_starts, resume=resume, executor=pool,
            progress=progress, stop=stop,
        )  # fmt: skip
    if not run.complete:
        again = shlex.join(["nanochart", *(a for a in sys.argv[1:] if a != "--resume")])
        say(
            f"nanochart: stopped with everything in the checkpoint; go on with `{again} --resume`",
            err=True,
        )
        sys.exit(128 + INTERRUPTS.received[0])
    found = found_minima(run)
    if export is not None:
        export_extxyz(run, export, "inherent")
    spent, short = run.info("frames"), shortfalls(run)
    result = {
        "run": str(path),
        "minima": [vars(minimum) for minimum in found],
        "quenches": spent["quenches"],
        "evaluations": spent["evaluations"],
        **({"above_known": short} if short else {}),
    }
    of = f"{pot.symbol}{n} after {spent['quenches']:,} quenches"
    lines = [
        f"{path}: {len(found)} distinct minima of {of}",
        f"{'energy (eV)':>14}  {'motif':>9}  {'point group':>11}  {'found after':>11}",
    ]
    lines += [
        f"{m.energy:14.4f}  {m.motif:>9}  {'order ' + str(m.point_group_order):>11}  "
        f"{m.first_found:>11,}"
        for m in found[:_SHOWN]
    ]
    lines += [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    lines += short
    lines.append(
        f"next: nanochart export {path} --to extxyz --structures inherent; starts: [{path}] begins "
        "a ladder at the lowest of each motif"
    )
    emit(result, json, lines)


def _system(
    system: str, n_atoms: int | None, potential: Path | None
) -> "tuple[Potential, int, int]":
    """Potential, number of atoms and seed of what is searched: a metal, or a configuration."""
    from nanochart.config import load_config
    from nanochart.metals import element
    from nanochart.potentials import GUPTA_PARAMETERS, eam, gupta
    from nanochart.workflow import make_potential

    if Path(system).suffix in {".yaml", ".yml"}:
        if n_atoms is not None or potential is not None:
            raise ValueError(
                f"{system} says the number of atoms and the potential: leave ATOMS and --potential "
                "away"
            )
        config = load_config(Path(system))
        return make_potential(config), config.system.n_atoms, config.seed
    metal = element(system).symbol
    if n_atoms is None:
        raise ValueError(
            f"the number of atoms must follow the metal, as in `nanochart search {metal} 147`; "
            "got none"
        )
    handed, table = potential_of_file(potential, metal)
    if handed is not None:
        return handed, n_atoms, 0
    if table is not None:
        return eam(table, metal), n_atoms, 0
    if metal not in GUPTA_PARAMETERS:
        raise ValueError(
            f"the metal of a search must be one of {', '.join(GUPTA_PARAMETERS)}, or --potential "
            f"must name a table; got {metal}"
        )
    return gupta(metal), n_atoms, 0
