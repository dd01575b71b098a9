"""``nanochart sample --tune-ladder``."""

from pathlib import Path
from typing import TYPE_CHECKING

from nanochart.cli.display import show_progress
from nanochart.cli.options import emit
from nanochart.units import kelvin_range

if TYPE_CHECKING:
    from concurrent.futures import Executor

__all__ = ["tune_command"]

#: Standard errors between prediction and measurement that no pair of a settled ladder shows.
_OFF = 3.5


def tune_command(
    config: Path,
    output: Path | None,
    target: float,
    pilot: float,
    seed: int | None,
    json: bool,
    quiet: bool,
    executor: "Executor | None" = None,
) -> None:
    """Tune the ladder of a configuration, write the tuned one, and show what it reaches.

    Parameters
    ----------
    config
        YAML file.
    output
        File to write; by default CONFIG's name with -tuned.
    target
        Acceptance to reach.
    pilot
        Length of each short run, ps per replica.
    seed
        Instead of the configuration's.
    json
        Print one JSON object.
    quiet
        Show no progress.
    executor
        Where replicas run; None is one thread per core.
    """
    from nanochart.config import load_config
    from nanochart.workflow import tune_ladder, write_tuned

    path = output or config.with_name(f"{config.stem}-tuned.yaml")
    if path.suffix not in {".yaml", ".yml"}:
        raise ValueError(f"the tuned configuration must be a .yaml file; got --output {path}")
    if path.exists():
        raise ValueError(f"{path} exists already: name another file with --output")
    settings = load_config(config)
    if seed is not None:
        settings = settings.replaced(seed=seed)
    with show_progress(quiet) as progress:
        tuning = tune_ladder(
            settings, target=target, pilot=pilot, executor=executor, progress=progress
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tuned(config, tuning.ladder, path)
    T, measured = tuning.ladder.temperatures, tuning.measured
    pairs = [
        {
            "temperatures": [T[k], T[k + 1]],
            "predicted": float(tuning.predicted[k]),
            "predicted_error": float(tuning.predicted_error[k]),
            "measured": float(measured.share[k]),
            "measured_interval": [float(measured.low[k]), float(measured.high[k])],
        }
        for k in range(len(T) - 1)
    ]
    rows = [
        f"{low:8.1f} {high:8.1f}   {predicted:6.0%} ± {error:3.0%}   {share:6.0%} ({least:.0%} to "
        f"{most:.0%})"
        for low, high, predicted, error, share, least, most in zip(
            T[:-1],
            T[1:],
            tuning.predicted,
            tuning.predicted_error,
            measured.share,
            measured.low,
            measured.high,
            strict=True,
        )
    ]
    off = [k for k, sigma in enumerate(tuning.deviations) if abs(sigma) > _OFF]
    places = ", ".join(kelvin_range(T[k], T[k + 1]) for k in off)
    warning = (
        f"the short runs were too short: prediction and measurement differ by more than "
        f"{_OFF:g} standard errors at {places}, where the energies had not settled; give more "
        f"than --pilot {pilot:g}ps"
    )
    before = len(settings.tempering.ladder)
    headline = f"{path}: {len(T)} temperatures for {target:.0%}, instead of {before}"
    emit(
        {
            "config": str(path),
            "temperatures": list(T),
            "before": before,
            "target": target,
            "settled": not off,
            "pairs": pairs,
        },
        json,
        [
            headline,
            "   pair (K)          predicted      measured (68 %)",
            *rows,
            *([warning] if off else []),
            f"next: nanochart sample {path}",
        ],
    )
