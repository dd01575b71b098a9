"""The plan of a biased run."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.biasing.bias import Grid
from nanochart.biasing.cv import CV, CVs, FunctionCV, Record, variable_of
from nanochart.biasing.guard import Guarded
from nanochart.biasing.heated import Heated
from nanochart.biasing.methods import (
    OPES,
    Metadynamics,
    Steered,
    Umbrella,
    Unbiased,
    method_facts,
    method_of,
)
from nanochart.biasing.segment import BiasedDynamics
from nanochart.dynamics import Langevin
from nanochart.errors import ConfigError
from nanochart.potentials import Potential
from nanochart.shown import short_repr
from nanochart.tempering import Ladder

if TYPE_CHECKING:
    from nanochart.autoencoder import Model

__all__ = ["ANY_FRAME", "BiasPlan", "Origin"]

Floats = NDArray[np.float64]

#: Name of a start that is any frame of the source near the temperature.
ANY_FRAME: Final = "run"

#: Of the layout of a stored plan, and of one with a ladder, which is not to be read without it.
VERSION: Final = 2
WITH_LADDER: Final = 3


@dataclass(frozen=True)
class Origin:
    """The source run of a plan, as it was when the plan was resolved.

    Attributes
    ----------
    run
        Name of the source run.
    frames
        Number of frames of the source run.
    """

    run: str
    frames: int


@short_repr
@dataclass(frozen=True, eq=False)
class BiasPlan:
    """The numbers that a biased run is resolved to, once, when it is begun; no names to look up.

    Two plans of equal `fingerprint` give equal bits. The time a run takes is no part of its plan,
    except where a restraint moves.

    Attributes
    ----------
    element, n_atoms, potential
        Metal and number of atoms of the cluster, and name and parameters of its potential.
    variables
        Collective variables, with the arrays of their references.
    model
        Fingerprint of the model of chart coordinates and of distances in RDF space; None where no
        variable needs one.
    method
        Bias method: Metadynamics, OPES, Umbrella, Steered or Unbiased, with all walls.
    guard
        Guard on the first variables, or None.
    temperature
        Temperature in K; of a ladder, the lowest.
    dynamics
        Time step, friction and confining sphere.
    stride, steps_per_round
        Time steps between impulses of the bias, and between its updates.
    starts
        Starting structures (walker, atom, 3) in Å.
    start_names
        Name of the structure that each walker starts from.
    places
        Names of the points of a steered run, in order; empty otherwise.
    seed
        Seed that was asked for.
    origin
        Source run that the plan was resolved from.
    ladder
        Temperatures in K of a run on a ladder, rising; empty of one at one temperature. Each rung
        has the method at its own temperature, and as many walkers.
    rounds_per_swap
        Rounds between attempts to exchange on the ladder.
    """

    element: str
    n_atoms: int
    potential: Mapping[str, Any]
    variables: tuple[CV, ...]
    model: str | None
    method: Metadynamics | OPES | Umbrella | Steered | Unbiased
    guard: Grid | None
    temperature: float
    dynamics: Langevin
    stride: int
    steps_per_round: int
    starts: Floats
    start_names: tuple[str, ...]
    places: tuple[str, ...]
    seed: int
    origin: Origin
    ladder: tuple[float, ...] = ()
    rounds_per_swap: int = 1
    _guarded: Guarded | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        x = self.starts
        if x.ndim != 3 or x.shape[1:] != (self.n_atoms, 3) or len(x) != len(self.start_names):
            raise ValueError(
                f"the starts of a bias plan must have the shape (walker, {self.n_atoms}, 3) with a "
                f"name for each walker; got {x.shape} and {len(self.start_names)} names"
            )
        if self.ladder and (len(x) % len(self.ladder) or self.ladder[0] != self.temperature):
            raise ValueError(
                "the walkers of a bias plan must be as many on each rung of the ladder, which "
                f"begins at its temperature, {self.temperature:g} K; got {len(x)} walkers and "
                f"{', '.join(f'{t:g}' for t in self.ladder)} K"
            )
        known = tuple(v.probed(x[0]) if isinstance(v, FunctionCV) else v for v in self.variables)
        object.__setattr__(self, "variables", known)
        if self.guard is not None:
            object.__setattr__(self, "_guarded", Guarded(self.method, self.guard))

    @property
    def names(self) -> tuple[str, ...]:
        """One for each variable, in order."""
        return tuple(variable.name for variable in self.variables)

    @property
    def units(self) -> tuple[str, ...]:
        """One for each variable, in order."""
        return tuple(variable.unit for variable in self.variables)

    @property
    def n_walkers(self) -> int:
        """Number of walkers."""
        return len(self.starts)

    @property
    def method_name(self) -> str | None:
        """Name of the method as in a configuration; None without a bias."""
        return type(self.method).section

    @property
    def biasing(self) -> Any:
        """The method with its guard, as rounds of biased dynamics take it."""
        return self.method if self._guarded is None else self._guarded

    @property
    def walker_temperatures(self) -> Floats:
        """Temperature in K that each walker begins at, (walker,)."""
        rungs = self.ladder or (self.temperature,)
        return np.repeat(np.array(rungs, dtype=np.float64), self.n_walkers // len(rungs))

    def heated(self, seed: int) -> Heated:
        """The methods of all rungs with their guard, as rounds on the ladder take them.

        Parameters
        ----------
        seed
            Seed of the exchanges.
        """
        own = [self._at(temperature) for temperature in self.ladder]
        walkers = self.n_walkers // len(self.ladder)
        return Heated(Ladder(self.ladder), tuple(own), walkers, seed, self.rounds_per_swap)

    def _at(self, temperature: float) -> Any:
        """The method at a temperature, with its guard."""
        if isinstance(self.method, Steered):
            raise TypeError("a steered run has no ladder: it is out of equilibrium")
        method = self.method.at(temperature)
        return method if self.guard is None else Guarded(method, self.guard)

    @property
    def time_per_round(self) -> float:
        """Time of a round in ps."""
        return self.steps_per_round * self.dynamics.time_step * 1e-3

    @property
    def n_rounds(self) -> int | None:
        """Rounds of a steered run; None where the length of a run is free."""
        if isinstance(self.method, Steered):
            return self.method.steps[-1] // self.steps_per_round
        return None

    @property
    def needs_model(self) -> bool:
        """Whether a variable is one of a chart or of its RDF."""
        return any(v.needs_model for v in self.variables)

    @property
    def fingerprint(self) -> str:
        """Hash of every number that decides on the trajectory."""
        arrays, facts = self.to_record()
        facts = {name: value for name, value in facts.items() if name != "origin"}
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
        for name in sorted(arrays):
            digest.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
        return digest.hexdigest()[:16]

    def with_functions(self, functions: Sequence[FunctionCV]) -> "BiasPlan":
        """The same with functions of the user's own, which no record holds.

        Raises
        ------
        ConfigError
            If one of that name and unit is no variable of the plan, or it is another function.
        """
        variables = list(self.variables)
        own = {(v.name, v.unit): k for k, v in enumerate(variables) if isinstance(v, FunctionCV)}
        for function in functions:
            place = own.get((function.name, function.unit))
            if place is None:
                words = ", ".join(f"{name} ({unit})" for name, unit in own) or "which it has none"
                raise ConfigError(
                    f"a function that is handed over must be a variable of the run, of {words}; "
                    f"got {function.name} ({function.unit})"
                )
            before = variables[place]
            assert isinstance(before, FunctionCV)  # noqa: S101  as chosen above
            variables[place] = function.taking_the_place_of(before, self.starts[0])
        return replace(self, variables=tuple(variables))

    def compiled(self, potential: Potential, model: "Model | None") -> BiasedDynamics:
        """The dynamics, with compiled variables.

        Parameters
        ----------
        potential
            Potential of the plan.
        model
            Model of the plan; None where no variable needs one.

        Raises
        ------
        ValueError
            If the model is another than the plan's.
        """
        found = model.fingerprint if model is not None and self.needs_model else None
        if found != self.model:
            raise ValueError(f"the model of a bias plan must be {self.model}; got {found}")
        used = model if self.needs_model else None
        cvs = CVs.compile(self.variables, potential, used, self.element)
        return BiasedDynamics(potential, self.dynamics, cvs, self.stride)

    @property
    def windows(self) -> NDArray[np.int64]:
        """Window of each walker, (walker,), which it keeps on a ladder, too; else one of all."""
        each = self.n_walkers // len(self.ladder or (self.temperature,))
        return np.arange(self.n_walkers) % each % self.method.n_windows

    def window_energies(self, values: ArrayLike) -> Floats:
        """Energy in eV of values (..., m) in each window, (..., window).

        With walls and guard; of umbrella windows alone, whose bias does not change with time.
        """
        if not isinstance(self.method, Umbrella):
            raise TypeError(f"only umbrella sampling has windows; got {self.method_name}")
        s, m = np.asarray(values, dtype=np.float64), len(self.variables)
        return np.stack(
            [self.biasing.bias(None, k, m).energy(s)[0] for k in range(self.method.n_windows)],
            axis=-1,
        )

    def to_record(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Give the plan as plain arrays by name and plain JSON values, to be stored."""
        arrays: dict[str, NDArray[Any]] = {"starts": np.asarray(self.starts, dtype=np.float64)}
        variables = []
        for k, variable in enumerate(self.variables):
            record = variable.to_record()
            variables.append(record.facts)
            if record.reference is not None:
                arrays[f"reference_{k}"] = record.reference
        if self.guard is not None:
            arrays["guard_low"] = np.asarray(self.guard.low, dtype=np.float64)
            arrays["guard_high"] = np.asarray(self.guard.high, dtype=np.float64)
            arrays["guard_values"] = np.asarray(self.guard.values, dtype=np.float64)
        facts: dict[str, Any] = {
            "version": WITH_LADDER if self.ladder else VERSION,
            "element": self.element,
            "n_atoms": self.n_atoms,
            "potential": dict(self.potential),
            "variables": variables,
            "model": self.model,
            "method": method_facts(self.method),
            "temperature": self.temperature,
            "dynamics": asdict(self.dynamics),
            "stride": self.stride,
            "steps_per_round": self.steps_per_round,
            "start_names": list(self.start_names),
            "places": list(self.places),
            "seed": self.seed,
            "origin": asdict(self.origin),
        }
        if self.ladder:
            facts |= {"ladder": list(self.ladder), "rounds_per_swap": self.rounds_per_swap}
        return arrays, facts

    @classmethod
    def from_record(
        cls, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]
    ) -> "BiasPlan":
        """Make the plan again from what `to_record` gave.

        Raises
        ------
        ValueError
            If something is missing or of a newer nanochart.
        """
        version = facts.get("version")
        if version not in {VERSION, WITH_LADDER}:
            raise ValueError(
                f"a bias plan must be of version {VERSION} or {WITH_LADDER}, the only ones that "
                f"this nanochart knows; got {version!r}"
            )
        try:
            guard = None
            if "guard_values" in arrays:
                values = arrays["guard_values"]
                axes = tuple(range(values.ndim))
                guard = Grid(arrays["guard_low"], arrays["guard_high"], values, axes)
            return cls(
                element=facts["element"],
                n_atoms=facts["n_atoms"],
                potential=facts["potential"],
                variables=tuple(
                    variable_of(Record(about, arrays.get(f"reference_{k}")))
                    for k, about in enumerate(facts["variables"])
                ),
                model=facts["model"],
                method=method_of(facts["method"]),
                guard=guard,
                temperature=facts["temperature"],
                dynamics=Langevin(**facts["dynamics"]),
                stride=facts["stride"],
                steps_per_round=facts["steps_per_round"],
                starts=arrays["starts"],
                start_names=tuple(facts["start_names"]),
                places=tuple(facts["places"]),
                seed=facts["seed"],
                origin=Origin(**facts["origin"]),
                ladder=tuple(facts["ladder"]) if version == WITH_LADDER else (),
                rounds_per_swap=facts["rounds_per_swap"] if version == WITH_LADDER else 1,
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"the bias plan is incomplete ({error})") from error
