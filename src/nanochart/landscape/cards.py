"""Family cards: what a family is made of, and what sets it apart from its siblings."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from nanochart.landscape.sentences import Fact, Words, sentence, telling_facts

__all__ = ["FamilyCard", "family_cards", "family_names"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Members among which the medoid is looked for.
_MEDOID = 2000


@dataclass(frozen=True)
class FamilyCard:
    """Size, energies, motifs, population and description of one family.

    Attributes
    ----------
    code, name, motif
        Number and name of the family, and the motif of most of its members.
    size, share
        Number of frames in the family, and their share of all frames.
    minima
        Number of distinct minima among the frames.
    composition
        Motif -> share of the members.
    purity
        Share of the members that have the family's motif.
    energy_low, energy_median, energy_high
        Lowest, median and highest energy of the minima, in eV above the lowest minimum of all
        frames.
    representative
        Frame and replica of the medoid, the member nearest to all others in the chart.
    extremes
        The two members (frame, replica) farthest from each other in the chart, nearly.
    facts
        What sets the family apart, the most telling fact first.
    sentence
        The facts in words, true of most members.
    siblings
        Codes of the other families of the motif; where there are none the family is compared with
        all else.
    population
        Population at each rung: ``temperatures`` (K), ``value`` and ``error``, empty where unknown.
    """

    code: int
    name: str
    motif: str
    size: int
    share: float
    minima: int
    composition: Mapping[str, float]
    purity: float
    energy_low: float
    energy_median: float
    energy_high: float
    representative: tuple[int, int]
    extremes: tuple[tuple[int, int], tuple[int, int]]
    facts: tuple[Fact, ...]
    sentence: str
    siblings: tuple[int, ...]
    population: Mapping[str, Sequence[float]]

    def to_dict(self) -> dict[str, Any]:
        """Give the card as plain JSON values."""
        return asdict(self)


def family_names(codes: Ints, motifs: Ints, motif_names: Sequence[str]) -> tuple[str, ...]:
    """Name each family: "noise" for code 0, then the motif of most members and the rank in it.

    Parameters
    ----------
    codes
        Family of each frame, ordered by size.
    motifs
        Motif of each frame as an index into ``motif_names``, -1 where unknown.
    motif_names
        Names of the motifs, such as "dh".

    Returns
    -------
    tuple of str
        Names by code, such as ("noise", "dh/1", "ih/1", "dh/2").
    """
    ranks: dict[str, int] = {}
    names = ["noise"]
    for code in range(1, int(codes.max(initial=0)) + 1):
        motif = _majority(motifs[codes == code], motif_names)
        ranks[motif] = ranks.get(motif, 0) + 1
        names.append(f"{motif}/{ranks[motif]}")
    return tuple(names)


def _majority(motifs: Ints, names: Sequence[str]) -> str:
    known = motifs[motifs >= 0]
    return names[int(np.bincount(known).argmax())] if len(known) else "unknown"


def family_cards(
    codes: Ints,
    points: Floats,
    energies: Floats,
    motifs: Ints,
    motif_names: Sequence[str],
    descriptors: Mapping[str, Floats],
    words: Words,
    *,
    minima: Ints,
    populations: Mapping[int, Mapping[str, Sequence[float]]] | None = None,
) -> list[FamilyCard]:
    """Make the card of each family: what it holds, and what sets it apart.

    Parameters
    ----------
    codes
        Family of each frame, (frame, replica), 0 for noise.
    points
        Chart coordinates (frame, replica, d).
    energies
        Energies of the minima in eV, (frame, replica).
    motifs
        Motif of each frame as an index into ``motif_names``, (frame, replica).
    motif_names
        Names of the motifs.
    descriptors
        Defect descriptor -> values (frame, replica), NaN where unknown.
    words
        Words for motifs and descriptors.
    minima
        Number of the distinct minimum that each frame is in, (frame, replica).
    populations
        Population at each rung, by the code of the family.

    Raises
    ------
    ValueError
        If a family has no frames.
    """
    shape = codes.shape
    flat, s = codes.ravel(), points.reshape(-1, points.shape[-1])
    E, labels, which = energies.ravel(), motifs.ravel(), minima.ravel()
    values = {name: np.asarray(v, dtype=np.float64).ravel() for name, v in descriptors.items()}
    names = family_names(flat, labels, motif_names)
    motif_of = [name.partition("/")[0] for name in names]
    lowest = float(np.nanmin(E))
    cards = []
    for code in range(1, len(names)):
        members = np.flatnonzero(flat == code)
        if not len(members):
            raise ValueError(
                f"family {code} has no frames: assign the families to the run that they were "
                "found in"
            )
        siblings = tuple(
            k for k in range(1, len(names)) if k != code and motif_of[k] == motif_of[code]
        )
        others = np.isin(flat, siblings) if siblings else flat != code
        facts = telling_facts(values, members, np.flatnonzero(others), words)
        shares = np.bincount(labels[members][labels[members] >= 0], minlength=len(motif_names))
        shares = shares / max(shares.sum(), 1)
        medoid, extremes = _telling_members(s, members)
        above = np.nanpercentile(E[members] - lowest, [0, 50, 100])
        cards.append(
            FamilyCard(
                code=code,
                name=names[code],
                motif=motif_of[code],
                size=len(members),
                share=len(members) / len(flat),
                minima=len(np.unique(which[members])),
                composition={
                    name: float(share)
                    for name, share in zip(motif_names, shares, strict=True)
                    if share > 0
                },
                purity=float(shares.max()),
                energy_low=float(above[0]),
                energy_median=float(above[1]),
                energy_high=float(above[2]),
                representative=_place(medoid, shape),
                extremes=(_place(extremes[0], shape), _place(extremes[1], shape)),
                facts=facts,
                sentence=sentence(motif_of[code], facts, words),
                siblings=siblings,
                population=dict((populations or {}).get(code, {})),
            )
        )
    return _told_apart(cards, flat, values, words)


def _told_apart(
    cards: list[FamilyCard], flat: Ints, values: Mapping[str, Floats], words: Words
) -> list[FamilyCard]:
    """Cards of which no two say the same.

    What sets a family apart from all siblings may be the same for two of them: these are contrasted
    with one another alone, and where that tells nothing either, by their energies.
    """

    def alike(card: FamilyCard) -> list[int]:
        return [c.code for c in cards if c.sentence == card.sentence and c.code != card.code]

    found = []
    for card in cards:
        others = alike(card)
        if others:
            members, rest = np.flatnonzero(flat == card.code), np.flatnonzero(np.isin(flat, others))
            facts = telling_facts(values, members, rest, words)
            text = sentence(card.motif, facts, words) if facts else card.sentence
            found.append(replace(card, facts=facts or card.facts, sentence=text))
        else:
            found.append(card)
    cards = found
    return [
        replace(
            card,
            sentence=f"{card.sentence}, {card.energy_low:.2f} to {card.energy_high:.2f} eV above "
            "the lowest minimum",
        )
        if alike(card)
        else card
        for card in cards
    ]


def _telling_members(s: Floats, members: Ints) -> tuple[int, tuple[int, int]]:
    """The medoid, and two members far from each other."""
    place = s[members]
    some = np.arange(len(members))
    if len(some) > _MEDOID:
        some = np.random.default_rng(0).choice(some, _MEDOID, replace=False)
    part = place[some]
    totals = np.zeros(len(part))
    for first in range(0, len(part), 200):
        block = part[first : first + 200]
        totals[first : first + 200] = np.linalg.norm(block[:, None] - part, axis=-1).sum(axis=1)
    medoid = place[some[totals.argmin()]]
    # Twice the farthest point from where one is: the ends of an elongated cloud.
    one = int(np.linalg.norm(place - medoid, axis=1).argmax())
    other = int(np.linalg.norm(place - place[one], axis=1).argmax())
    nearest = int(cKDTree(place).query(medoid)[1])
    return int(members[nearest]), (int(members[one]), int(members[other]))


def _place(index: int, shape: tuple[int, ...]) -> tuple[int, int]:
    frame, replica = np.unravel_index(index, shape)
    return int(frame), int(replica)
