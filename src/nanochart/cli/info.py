"""``nanochart info``."""

from typing import Annotated, Any

import typer

from nanochart.cli.app import app
from nanochart.cli.display import show_progress
from nanochart.cli.options import JsonFlag, QuietFlag, RunPath, emit
from nanochart.progress import duration
from nanochart.units import kelvin_range


@app.command()
def info(
    run: RunPath,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read every committed chunk and check its checksum.")
    ] = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Say how a run was made, how far it is and whether its files are sound.

    It can be asked while the run is going. The exit code is 1 if something is wrong with the run.
    """
    from nanochart import store
    from nanochart.workflow import run_info

    opened = store.open(run)
    with show_progress(quiet) as progress:
        facts = run_info(opened, verify=verify, progress=progress)
    emit(facts, json, list(_lines(facts, verify)))
    if facts["problems"]:
        raise typer.Exit(1)


def _lines(facts: dict[str, Any], verified: bool) -> list[str]:
    """The facts for a person."""
    made = facts["made_from"]
    frames = facts["stages"]["frames"]
    rows = [
        ("run", facts["run"]),
        ("cluster", f"{facts['cluster']}, {facts['replicas']} replicas, {facts['kind']}"),
        ("made", f"{made['created']}, {made['platform']}, Python {made['python']}"),
        ("versions", ", ".join(f"{name} {v}" for name, v in made["versions"].items())),
        ("seed", made["seed"]),
        ("potential", ", ".join(f"{k} {_short(v)}" for k, v in made["potential"].items())),
        *(
            (name, _flat(values))
            for name, values in made["config"].items()
            if name != "seed" and values is not None
        ),
        *(("start", sentence.removeprefix("start ")) for sentence in made["starts"]),
        ("time step", None if made["time_step"] is None else f"{made['time_step']:.4g} fs"),
        ("state", _state(facts)),
        *((s, f"{n['committed']} of {n['of']} frames") for s, n in facts["stages"].items()),
        *_exchange(facts["exchange"]),
        *_timings(facts["timings"]),
        ("checkpoint", _checkpoint(facts["checkpoint"], frames["committed"])),
        ("writer", _writer(facts["writer"])),
        ("metadata", None if facts["sealed"] else "without the checksum that newer runs have"),
        ("chunks", "read and compared" if verified else "sizes compared (--verify reads them)"),
        *(("advice", sentence) for sentence in facts["advice"]),
        *(("problem", sentence) for sentence in facts["problems"]),
        ("health", f"{len(facts['problems'])} problems" if facts["problems"] else "well"),
    ]
    shown = [(name, value) for name, value in rows if value not in (None, "")]
    width = max(len(name) for name, _ in shown) + 1
    return [f"{name:<{max(width, 12)}}{value}" for name, value in shown]


def _exchange(exchange: dict[str, Any] | None) -> list[tuple[str, str]]:
    if exchange is None or exchange["acceptance"] is None:
        return []
    worst = exchange["worst"]
    pairs = (
        f"{kelvin_range(*p['temperatures'])} {p['acceptance']:.0%}"
        for p in exchange["pairs"]
        if p["attempts"]
    )
    where = f"of {worst['attempts']} attempts at {kelvin_range(*worst['temperatures'])}"
    share = f"{exchange['acceptance']:.0%}, worst {worst['acceptance']:.0%} {where}"
    rows = [("acceptance", share), ("pairs", ", ".join(pairs))]
    if exchange["mapped_below"]:
        every = exchange["mapped_every"]
        often = f", at one of {every} of their turns" if every > 1 else ""
        rows.append(("mapped", f"pairs up to {exchange['mapped_below']:g} K{often}"))
    if exchange["barrier"] is not None:
        best = max(2, round(2 * exchange["barrier"]) + 1)
        sentence = (
            f"{exchange['barrier']:.1f} (sum of the rejections), for which {best} temperatures "
            f"would be best; {exchange['temperatures']} are there"
        )
        rows.append(("barrier", sentence))
    return rows


def _timings(timings: dict[str, Any] | None) -> list[tuple[str, str]]:
    if timings is None:
        return []
    last = timings["sessions"][-1]
    rows = [
        ("sampled by", f"{last['host']}, {last['processor']}, {last['executor']}"),
        ("wall time", f"{duration(timings['seconds'])} in {len(timings['sessions'])} sessions"),
    ]
    if timings["seconds_per_round"] is not None:
        steps = f"{timings['replica_steps_per_second']:,.0f} replica-steps/s"
        rows.append(("speed", f"{steps}, {timings['ns_per_day']:.3g} ns/day per replica"))
        if timings["rounds_left"]:
            rows.append(("left", f"about {duration(timings['seconds_left'])}"))
    return rows


def _checkpoint(found: dict[str, Any] | None, committed: int) -> str:
    if found is None:
        return "none"
    lost = committed - found["frames"]
    return (
        f"after round {found['round']}, with {found['pending']} frames that are not committed yet"
        + (f"; {lost} committed frames are newer and will be computed again" if lost else "")
    )


def _writer(writer: dict[str, Any] | None) -> str:
    if writer is None:
        return "none"
    return f"process {writer.get('pid')} on {writer.get('host')} since {writer.get('since')}"


def _flat(values: Any) -> str:
    if isinstance(values, dict):
        return ", ".join(f"{k} {_short(v)}" for k, v in values.items() if v is not None)
    return _short(values)


def _state(facts: dict[str, Any]) -> str:
    if facts["stopped"]:
        return f"done before its planned end: {facts['stopped']}"
    return "complete" if facts["complete"] else "not complete"


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return ", ".join(map(_short, value)) if isinstance(value, list) else str(value)
