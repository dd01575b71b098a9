"""The shipped configurations: the published ladders."""

from dataclasses import dataclass
from importlib.resources import files

from nanochart.tempering import cold_rungs

__all__ = ["PRESETS", "Preset", "preset_text"]


#: Stored time of each replica, and the time before it, in ns (same source as the ladders).
_PUBLISHED_TIME, _PUBLISHED_DISCARD = 1000.0, 500.0
#: Settings as published, and those of this program: replicas travel further where they exchange
#: often, and 25 ps between frames keep a run of a microsecond below 2 GB.
_PUBLISHED = {
    "STEP": f"{'5.0':<17}", "ABOUT": "fs", "FRICTION": "0.001 ", "SWAP": "250.0", "MAPPED": "off ",
    "EACH": "1", "BETWEEN": "250",
}  # fmt: skip
_OURS = {
    "STEP": f"{'auto':<17}", "ABOUT": "fs; the longest whose averages are right within 1 K",
    "FRICTION": "0.0002", "SWAP": "5.0  ", "MAPPED": "auto",
    "EACH": "5", "BETWEEN": "25",
}  # fmt: skip


@dataclass(frozen=True)
class Preset:
    """A shipped configuration: metal, number of atoms and ladder in K."""

    metal: str
    n_atoms: int
    temperatures: tuple[int, ...]


def _ladder(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split())


#: Ladders of Settem, Roncaglia, Ferrando, Giacomello, J. Chem. Phys. (2023), arXiv 2308.07792.
PRESETS = {
    "au90": Preset("Au", 90, _ladder(
        "250 263 275 288 300 309 319 329 339 350 357 363 370 376 383 389 396 402 "
        "409 415 422 428 435 441 448 454 461 467 474 480 487 493 500 517 533 550")),
    "au147": Preset("Au", 147, _ladder(
        "300 314 329 345 361 378 396 415 434 455 476 482 "
        "488 493 499 505 511 516 522 528 546 564 582 600")),
    "ag147": Preset("Ag", 147, _ladder(
        "300 313 326 339 354 369 384 400 417 435 453 472 492 513 534 557 "
        "580 605 630 640 647 654 661 669 676 683 690 700 724 748 774 800")),
    "cu147": Preset("Cu", 147, _ladder(
        "300 310 321 332 343 355 367 379 392 405 419 433 448 463 479 495 512 530 548 566 "
        "586 605 626 647 669 692 716 740 750 758 767 775 783 792 800 810 832 854 877 900")),
}  # fmt: skip


def preset_text(
    name: str,
    time_per_replica: float = _PUBLISHED_TIME,
    coldest: float | None = None,
    *,
    published: bool = False,
) -> str:
    """Commented YAML configuration of a preset.

    Parameters
    ----------
    name
        One of :data:`PRESETS`.
    time_per_replica
        Stored time of each replica in ns. The discarded time keeps its published share, half of it.
    coldest
        Temperature in K to which the ladder goes down, by rungs that exchange mapped; None is the
        published ladder.
    published
        Whether the settings are the published ones, a time step of 5 fs and plain exchanges every
        250 ps, in place of the longest step that is right and mapped exchanges every 5 ps.

    Raises
    ------
    ValueError
        If there is no such preset, or the coldest temperature is not below its ladder.
    """
    if name not in PRESETS:
        raise ValueError(f"the preset must be one of {', '.join(PRESETS)}; got {name!r}")
    preset = PRESETS[name]
    temperatures = preset.temperatures
    if coldest is not None:
        if published:
            raise ValueError("the published ladder has no colder temperatures: leave one of both")
        if not 1.0 <= coldest < temperatures[0]:
            raise ValueError(
                f"the coldest temperature (K) of {name} must be at least 1 and below its published "
                f"ladder, {temperatures[0]}; got {coldest:g}"
            )
        temperatures = (*map(round, cold_rungs(coldest, temperatures[0])), *temperatures)
    n_cold = len(temperatures) - len(preset.temperatures)
    rows = [temperatures[k : k + 12] for k in range(0, len(temperatures), 12)]
    ladder = ",\n                 ".join(", ".join(map(str, row)) for row in rows)
    template = files("nanochart.config").joinpath("preset.yaml").read_text(encoding="utf-8")
    for word, value in (_PUBLISHED if published else _OURS).items():
        template = template.replace(f"@{word}@", value)
    return (
        template.replace("@NAME@", name)
        .replace("@METAL@", preset.metal)
        .replace("@N@", str(preset.n_atoms))
        .replace("@RUNGS@", str(len(preset.temperatures)))
        .replace("@COLD@", f",\n# and below it {n_cold} for mapped exchanges" if n_cold else "")
        .replace("@LADDER@", ladder)
        .replace("@TIME@", f"{time_per_replica:g}")
        .replace("@DISCARD@", f"{time_per_replica * _PUBLISHED_DISCARD / _PUBLISHED_TIME:g}")
    )
