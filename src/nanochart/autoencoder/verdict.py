"""Whether a trained chart can be used, in one sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["COARSE_FROM", "GOOD_FROM", "Verdict", "judge"]

#: Explained variance of minima that the training never saw from which a chart is good: thorough
#: runs of Au147 reach 0.95 to 0.98.
GOOD_FROM: Final = 0.9
#: And from which it still tells motifs apart. Of the nearest neighbours in the chart of a network
#: that explains 0.47, 7 to 16 % have another motif; of one that explains 0.18, 16 to 32 %.
COARSE_FROM: Final = 0.6

_BASES = {
    "unseen": "of test frames whose minimum no training frame has",
    "test": "of the test frames, few of whose minima are unknown to the training,",
    "validation": "of the validation frames, which chose the epoch,",
    "train": "of the training frames themselves",
}


@dataclass(frozen=True)
class Verdict:
    """Whether a trained chart can be used, and on what number that rests.

    Attributes
    ----------
    level
        "good", "coarse" (motifs can be told apart, finer things should not be read), "unusable", or
        "unknown" where nothing was recorded.
    basis
        Part of the data that the verdict rests on: "unseen" where there are such frames, else
        "test".
    value
        Explained variance of that part; NaN where unknown.
    sentence
        The verdict in words, with what a good value is and what to do.
    """

    level: Literal["good", "coarse", "unusable", "unknown"]
    basis: str
    value: float
    sentence: str

    @property
    def usable(self) -> bool:
        """Whether chart and model can be used for anything."""
        return self.level in {"good", "coarse"}


def judge(shares: Mapping[str, float]) -> Verdict:
    """Judge a training by the explained variance of each part of its data.

    The hardest part that there is counts: minima that the training never saw, or the test part.
    """
    basis = next((part for part in _BASES if part in shares), None)
    if basis is None:
        return Verdict(
            "unknown", "none", float("nan"),
            "Whether the chart is usable is unknown: its training recorded no explained variance.",
        )  # fmt: skip
    value = float(shares[basis])
    what = (
        f"it explains {_percent(value)} of the variance between structures {_BASES[basis]} "
        f"(good from {_percent(GOOD_FROM)}, usable from {_percent(COARSE_FROM)}; the mean "
        "structure alone explains 0 %)"
    )
    if value >= GOOD_FROM:
        return Verdict("good", basis, value, f"The chart is usable: {what}.")
    remedy = _remedy(value, shares)
    if value >= COARSE_FROM:
        return Verdict(
            "coarse", basis, value,
            f"The chart is usable for motifs, too coarse for families and free energies: {what}; "
            f"{remedy}.",
        )  # fmt: skip
    return Verdict("unusable", basis, value, f"The chart is not usable: {what}; {remedy}.")


def _remedy(value: float, shares: Mapping[str, float]) -> str:
    trained = shares.get("train", value)
    if trained >= GOOD_FROM:
        return (
            f"the network knows its training frames ({_percent(trained)}) but not others: sample "
            "longer, or more minima"
        )
    return (
        f"the network has not learned even its training frames ({_percent(trained)}): train for "
        "more epochs, or take another dimension"
    )


def _percent(share: float) -> str:
    return f"{100.0 * share:.0f} %".replace("-", "−")
