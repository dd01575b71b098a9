"""From what was measured to one of six classes, by rules in the order of this file."""

import numpy as np
from numpy.typing import NDArray

from nanochart.motifs import kernels as k
from nanochart.motifs.measurement import Measurement

__all__ = [
    "AMORPHOUS_FROM",
    "HUB_INTACT_FROM",
    "HUB_OFFSET_BELOW",
    "ICO_DISORDER_BELOW",
    "MEETING_FROM",
    "ORDER_BELOW",
    "TWIN_FROM",
    "decide",
]

# Places in `LABELS`.
DH, IH, FCC, TWIN, MIX, AMORPHOUS = range(6)

#: Disordered share of the interior atoms from which a structure is amorphous.
AMORPHOUS_FROM = 0.75
#: Disordered share below which a decahedron, twin or fcc structure is called that and not mix.
ORDER_BELOW = 0.30
#: Disordered share of all atoms below which a structure with a hub is an icosahedron. Of all,
#: because rosettes and missing caps disturb a layer below the surface, which is most of the
#: interior of a small cluster.
ICO_DISORDER_BELOW = 0.17
#: Share of the inner neighbours of an icosahedron's centre that must lie on its axes.
HUB_INTACT_FROM = 0.30
#: Distance of an icosahedron's centre from the centre of mass, in radii of gyration.
HUB_OFFSET_BELOW = 0.55
#: Axes that must meet in one point where no atom is of the type ico: the centre's neighbours are
#: displaced, by a rosette beside it.
MEETING_FROM = 5
#: hcp atoms from which a structure without an axis is a twin.
TWIN_FROM = 2


def decide(measured: Measurement) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Class and margin of each structure.

    Returns
    -------
    codes, margins
        (...) places in `nanochart.motifs.LABELS`, and numbers in 0..1, 0 on the boundary to
        another class. Of a share it is the distance to its threshold over the largest distance
        there can be, of a number n of atoms that decide, n / (n + 2). The smallest of all that
        matter counts.
    """
    disorder = measured.share(k.DISORDERED)
    disturbed = measured.column(k.DISORDERED) / np.maximum(measured.atoms, 1.0)
    axes, hcp = measured.column(k.AXES), measured.column(k.N_HCP)
    away = measured.column(k.HUB_OFFSET) / measured.column(k.RADIUS)
    has_ico = measured.column(k.N_ICO) >= 1
    around_ico = has_ico & (measured.column(k.HUB_INTACT) >= HUB_INTACT_FROM)
    around_hole = ~has_ico & (measured.column(k.AXES_MEETING) >= MEETING_FROM)
    with np.errstate(invalid="ignore"):
        central = (around_ico | around_hole) & (away < HUB_OFFSET_BELOW)
    crossing = measured.column(k.ORIENTATIONS) > 1
    # An interior without atoms is that of a cluster too small to have a structure.
    rules = (
        (AMORPHOUS, (disorder >= AMORPHOUS_FROM) | (measured.column(k.INTERIOR) == 0)),
        (IH, central & (disturbed < ICO_DISORDER_BELOW)),
        (MIX, has_ico | (disorder >= ORDER_BELOW) | (axes > 1)),
        (DH, axes == 1),
        (MIX, crossing),
        (TWIN, hcp >= TWIN_FROM),
    )
    codes = np.select([rule for _, rule in rules], [code for code, _ in rules], FCC)
    return codes.astype(np.int8), _margins(measured, codes, disorder, disturbed, away)


def _margins(
    measured: Measurement,
    codes: NDArray[np.int64],
    disorder: NDArray[np.float64],
    disturbed: NDArray[np.float64],
    away: NDArray[np.float64],
) -> NDArray[np.float64]:
    hcp = measured.column(k.N_HCP)
    has_ico = measured.column(k.N_ICO) >= 1
    order = (ORDER_BELOW - disorder) / ORDER_BELOW
    centre = np.where(
        has_ico,
        (measured.column(k.HUB_INTACT) - HUB_INTACT_FROM) / (1.0 - HUB_INTACT_FROM),
        _certainty(measured.column(k.AXES_MEETING) - MEETING_FROM + 1),
    )
    with np.errstate(invalid="ignore"):
        ih = np.minimum(centre, (HUB_OFFSET_BELOW - away) / HUB_OFFSET_BELOW)
    ih = np.fmin(ih, (ICO_DISORDER_BELOW - disturbed) / ICO_DISORDER_BELOW)
    between = np.minimum(disorder - ORDER_BELOW, AMORPHOUS_FROM - disorder)
    mixed = np.maximum(
        between / (0.5 * (AMORPHOUS_FROM - ORDER_BELOW)),
        _certainty(measured.column(k.SECOND_AXIS_ATOMS)),
    )
    # Planes that cross: as sure as there are orientations beyond the first.
    mixed = np.maximum(mixed, _certainty(measured.column(k.ORIENTATIONS) - 1))
    below_amorphous = (AMORPHOUS_FROM - disorder) / AMORPHOUS_FROM
    margins = {
        AMORPHOUS: (disorder - AMORPHOUS_FROM) / (1.0 - AMORPHOUS_FROM),
        IH: ih,
        DH: np.minimum(order, _certainty(measured.column(k.AXIS_ATOMS))),
        TWIN: np.minimum(order, _certainty(hcp - TWIN_FROM + 1)),
        FCC: np.minimum(order, _certainty(TWIN_FROM - hcp)),
        MIX: np.minimum(np.where(has_ico, np.maximum(mixed, -ih), mixed), below_amorphous),
    }
    chosen = np.select([codes == code for code in margins], list(margins.values()))
    return np.asarray(np.clip(np.nan_to_num(chosen), 0.0, 1.0))


def _certainty(atoms: NDArray[np.float64]) -> NDArray[np.float64]:
    """How sure a number of atoms makes: n / (n + 2)."""
    n = np.maximum(atoms, 0.0)
    return np.asarray(n / (n + 2.0))
