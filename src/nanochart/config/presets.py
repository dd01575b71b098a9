"""The shipped configurations: the published ladders, and short ones about melting."""

from dataclasses import dataclass
from importlib.resources import files

from nanochart.tempering import cold_rungs

__all__ = ["PRESETS", "Preset", "preset_text"]


#: Stored time of each replica in ns, and the share of it before that, as published (same source as
#: the ladders).
_PUBLISHED_TIME, _PUBLISHED_DISCARD = 1000.0, 0.5
#: The same of a ladder about melting, on which a round trip takes tens of ns.
_MELTING_TIME, _MELTING_DISCARD = 300.0, 0.1
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
#: On few rungs a frame every 100 ps is enough.
_MELTING = {**_OURS, "EACH": "20", "BETWEEN": "100"}

_PUBLISHED_HEAD = """\
# @FORMULA@: parallel tempering with the published ladder of @RUNGS@ temperatures@COLD@
# (Settem, Roncaglia, Ferrando, Giacomello, J. Chem. Phys. 2023, arXiv 2308.07792).
#
# The published length is 500 ns discarded and 1000 to 2000 ns stored; --time-per-replica of
# `nanochart sample` and of `nanochart presets` scales both."""
_MELTING_HEAD = """\
# @FORMULA@: parallel tempering on a short ladder of @RUNGS@ temperatures about melting@COLD@.
#
# One motif becomes another where the cluster melts and freezes, so replicas that are always near
# the melting temperature change their motif most often. `nanochart anchor` carries the free
# energies of the motifs from there to lower temperatures."""


@dataclass(frozen=True)
class Preset:
    """A shipped configuration: metal, number of atoms and ladder in K.

    The ladder is a published one, or a short one about melting.
    """

    metal: str
    n_atoms: int
    temperatures: tuple[int, ...]
    published: bool = True

    @property
    def formula(self) -> str:
        """As "Au147"."""
        return f"{self.metal}{self.n_atoms}"


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
    "au90-melting": Preset("Au", 90, _ladder(
        "330 355 380 402 418 430 442 454 470 490"), published=False),
    "au147-melting": Preset("Au", 147, _ladder(
        "400 429 455 479 492 502 510 518 530 546"), published=False),
    "ag147-melting": Preset("Ag", 147, _ladder(
        "530 568 605 635 649 657 665 676 696 724"), published=False),
    "cu147-melting": Preset("Cu", 147, _ladder(
        "630 673 715 745 763 776 788 802 818 840"), published=False),
}  # fmt: skip


def preset_text(
    name: str,
    time_per_replica: float | None = None,
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
        Stored time of each replica in ns; None is that of the preset. The discarded time keeps its
        share, half of it as published.
    coldest
        Temperature in K to which the ladder goes down, by rungs that exchange mapped; None is the
        ladder as it is.
    published
        Whether the settings are the published ones, a time step of 5 fs and plain exchanges every
        250 ps, in place of the longest step that is right and mapped exchanges every 5 ps.

    Raises
    ------
    ValueError
        If there is no such preset, the coldest temperature is not below its ladder, or published
        settings are asked for of a ladder that was not published.
    """
    if name not in PRESETS:
        raise ValueError(f"the preset must be one of {', '.join(PRESETS)}; got {name!r}")
    preset = PRESETS[name]
    temperatures = preset.temperatures
    if published and not preset.published:
        raise ValueError(
            f"the ladder of {name} was not published: leave --published, or take "
            f"{preset.formula.lower()}"
        )
    if coldest is not None:
        if published:
            raise ValueError("the published ladder has no colder temperatures: leave one of both")
        if not 1.0 <= coldest < temperatures[0]:
            raise ValueError(
                f"the coldest temperature (K) of {name} must be at least 1 and below its ladder, "
                f"{temperatures[0]}; got {coldest:g}"
            )
        temperatures = (*map(round, cold_rungs(coldest, temperatures[0])), *temperatures)
    n_cold = len(temperatures) - len(preset.temperatures)
    rows = [temperatures[k : k + 12] for k in range(0, len(temperatures), 12)]
    ladder = ",\n                 ".join(", ".join(map(str, row)) for row in rows)
    template = files("nanochart.config").joinpath("preset.yaml").read_text(encoding="utf-8")
    ours = _OURS if preset.published else _MELTING
    for word, value in (_PUBLISHED if published else ours).items():
        template = template.replace(f"@{word}@", value)
    time, share = _PUBLISHED_TIME, _PUBLISHED_DISCARD
    if not preset.published:
        time, share = _MELTING_TIME, _MELTING_DISCARD
    time = time if time_per_replica is None else time_per_replica
    return (
        template.replace("@HEAD@", _PUBLISHED_HEAD if preset.published else _MELTING_HEAD)
        .replace("@FORMULA@", preset.formula)
        .replace("@NAME@", name)
        .replace("@METAL@", preset.metal)
        .replace("@N@", str(preset.n_atoms))
        .replace("@RUNGS@", str(len(preset.temperatures)))
        .replace("@COLD@", f",\n# and below it {n_cold} for mapped exchanges" if n_cold else "")
        .replace("@LADDER@", ladder)
        .replace("@TIME@", f"{time:g}")
        .replace("@DISCARD@", f"{time * share:g}")
    )
