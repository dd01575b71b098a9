"""What a run holds: the one table of its variables.

Every array of the Zarr group is declared here with its stage, dimensions, type, unit and fill
value. A *stage* is what one command writes and commits together; the sizes of ``latent`` and of
other dimensions that only the data know are taken from the first block that is written.
"""

import math
from dataclasses import dataclass

from nanochart.motifs import DESCRIPTORS, LABELS

__all__ = ["DEPENDENTS", "FRAMES", "STAGES", "STATIC", "VARIABLES", "Variable", "stage_variables"]

#: The stage of arrays without a frame axis, written once when the run is made.
STATIC = "static"

#: The stage of the thermal frames; all later stages describe its frames.
FRAMES = "frames"

#: The stages with a frame axis, in the order in which they can be computed.
STAGES = (FRAMES, "quench", "label", "train", "chart", "families")

#: Stage -> the stages that were made of its results, which go when it is made anew.
DEPENDENTS: dict[str, tuple[str, ...]] = {
    "quench": ("label", "train", "chart", "families"),
    "label": ("families",),  # their names and cards
    "train": ("chart", "families"),
    "chart": ("families",),
    "families": (),
}


@dataclass(frozen=True)
class Variable:
    """One array: ``name`` with its ``stage``, ``dims``, ``dtype``, ``units`` and ``fill`` value.

    ``required`` variables must be in every block of their stage. The fill value is what a reader
    finds where nothing has been written: NaN, or -1 in integers.
    """

    name: str
    stage: str
    dims: tuple[str, ...]
    dtype: str
    units: str
    long_name: str
    required: bool = False
    flag_meanings: tuple[str, ...] = ()

    @property
    def fill(self) -> float | int:
        """The value of elements that were never written."""
        return math.nan if self.dtype.startswith("float") else -1


_WALKER = ("frame", "replica")
_CLUSTER = ("frame", "replica", "atom", "xyz")
_CHART = ("frame", "replica", "latent")
_CV = ("frame", "replica", "variable")

# The classes and descriptors of `nanochart.motifs`, in the words of that package.
_LABELS = (
    Variable(
        "motif",
        "label",
        _WALKER,
        "int8",
        "1",
        "motif of the inherent structure",
        required=True,
        flag_meanings=("not_labelled", *LABELS),
    ),
    Variable(
        "motif_margin", "label", _WALKER, "float32", "1", "how far from another motif, 0 to 1"
    ),
    *(
        Variable(f"defect_{name}", "label", _WALKER, "float32", about.unit, about.description)
        for name, about in DESCRIPTORS.items()
    ),
)

_TABLE = (
    Variable("ladder", STATIC, ("ladder",), "float64", "K", "temperatures of the ladder"),
    Variable("start_motif", STATIC, ("replica",), "int8", "1", "motif a replica started from"),
    Variable("positions", FRAMES, _CLUSTER, "float32", "Å", "thermal positions of the atoms", True),
    Variable("energy", FRAMES, _WALKER, "float64", "eV", "potential energy, thermal"),
    Variable("temperature", FRAMES, _WALKER, "float64", "K", "temperature of the thermostat"),
    Variable("rung", FRAMES, _WALKER, "int16", "1", "index into the ladder"),
    Variable("step", FRAMES, ("frame",), "int64", "1", "molecular dynamics steps"),
    Variable("source", FRAMES, _WALKER, "int16", "1", "index of the imported file"),
    Variable(
        "exchange_accepted",
        FRAMES,
        ("frame", "pair"),
        "int8",
        "1",
        "exchange attempt between neighbouring rungs after this frame",
        flag_meanings=("not_attempted", "rejected", "accepted"),
    ),
    Variable(
        "exchange_history",
        FRAMES,
        ("frame", "attempt", "pair"),
        "int8",
        "1",
        "exchange attempts between neighbouring rungs from this frame to the next, in order",
        flag_meanings=("not_attempted", "rejected", "accepted"),
    ),
    Variable("cv", FRAMES, _CV, "float64", "1", "collective variables; metadata has their units"),
    Variable("bias_energy", FRAMES, _WALKER, "float64", "eV", "energy of the bias"),
    Variable("kinetic_energy", FRAMES, _WALKER, "float64", "eV", "kinetic energy"),
    Variable("restraint", FRAMES, _CV, "float64", "1", "centre of the restraint"),
    Variable("work", FRAMES, _WALKER, "float64", "eV", "work of the moving restraint so far"),
    Variable(
        "log_weight", FRAMES, _WALKER, "float64", "1", "logarithm of the weight without the bias"
    ),
    Variable(
        "exchanged",
        FRAMES,
        _WALKER,
        "int8",
        "1",
        "exchange attempt of a heated walker with a neighbouring rung after this frame",
        flag_meanings=("not_attempted", "rejected", "accepted"),
    ),
    Variable(
        "rung_log_weight",
        FRAMES,
        ("frame", "replica", "rung"),
        "float64",
        "1",
        "logarithm of the weight without the bias, if the frame were one of each rung",
    ),
    Variable(
        "inherent_positions", "quench", _CLUSTER, "float32", "Å", "positions of the minimum", True
    ),
    Variable(
        "inherent_energy", "quench", _WALKER, "float64", "eV", "potential energy of the minimum"
    ),
    Variable(
        "quench_converged",
        "quench",
        _WALKER,
        "int8",
        "1",
        "whether the quench reached its tolerance",
        flag_meanings=("not_quenched", "no", "yes"),
    ),
    Variable(
        "quench_evaluations", "quench", _WALKER, "int32", "1", "force evaluations of the quench"
    ),
    Variable("quench_max_force", "quench", _WALKER, "float64", "eV/Å", "largest atomic force left"),
    Variable(
        "point_group_order", "quench", _WALKER, "int16", "1", "order of the minimum's point group"
    ),
    Variable(
        "log_frequencies",
        "quench",
        _WALKER,
        "float64",
        "1",
        "sum of the logarithms of the minimum's frequencies in rad/ps",
    ),
    Variable(
        "found_after", "quench", _WALKER, "int64", "1", "quenches of a search until it was found"
    ),
    *_LABELS,
    Variable(
        "split",
        "train",
        _WALKER,
        "int8",
        "1",
        "share of the frame in training",
        required=True,
        flag_meanings=("unused", "train", "validation", "test"),
    ),
    Variable("chart", "chart", _CHART, "float32", "1", "chart coordinates, thermal"),
    Variable("inherent_chart", "chart", _CHART, "float32", "1", "chart coordinates of the minimum"),
    Variable(
        "family",
        "families",
        _WALKER,
        "int16",
        "1",
        "family in the chart, 0 for noise; the run's record of this stage has the names",
        required=True,
    ),
)

#: Name -> `Variable`.
VARIABLES: dict[str, Variable] = {variable.name: variable for variable in _TABLE}


def stage_variables(stage: str) -> tuple[Variable, ...]:
    """All variables of a stage.

    Raises
    ------
    ValueError
        If there is no such stage.
    """
    if stage not in (STATIC, *STAGES):
        raise ValueError(f"the stage must be one of {', '.join(STAGES)}; got {stage!r}")
    return tuple(variable for variable in _TABLE if variable.stage == stage)
