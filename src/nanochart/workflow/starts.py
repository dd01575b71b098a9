"""Where the replicas of a ladder start: built motifs, lowest minima, structure files and runs."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanochart.clusters import MOTIFS, above_known, build, known_minima_of
from nanochart.config import BEST, RunConfig, start_source
from nanochart.errors import ConfigError, StoreError
from nanochart.interop import read_structure
from nanochart.minimization import quench
from nanochart.motifs import classify
from nanochart.potentials import Potential, check_forces, describe, is_compiled, is_described_by
from nanochart.progress import Progress
from nanochart.shown import short_repr
from nanochart.store import Run, open as open_run, stream_fingerprint
from nanochart.workflow.system import potential_numbers

__all__ = ["Starts", "make_starts", "start_words", "stream_of", "tell_starts"]

Floats = NDArray[np.float64]

#: The motif of a start that stands for none.
_ANY = ""


@short_repr
@dataclass(frozen=True, eq=False)
class Starts:
    """Structures that the rungs of a ladder take in turn.

    Attributes
    ----------
    positions
        Relaxed and centred, (start, atom, 3) in Å.
    names
        Short name of each: what was built, the motif of a minimum, or the stem of a file.
    sources
        What the configuration calls each.
    above
        Of those that lie above the lowest minimum known of their motif: ``start``, ``motif`` and by
        how many eV, ``energy``.
    """

    positions: Floats
    names: tuple[str, ...]
    sources: tuple[str, ...]
    above: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, eq=False)
class _Start:
    """One structure before it is relaxed; ``label`` is its motif where its source says it."""

    name: str
    source: str
    positions: Floats
    label: str | None = None


def make_starts(config: RunConfig, potential: Potential) -> Starts:
    """Make the relaxed structures that the rungs start from.

    Raises
    ------
    ConfigError
        If one cannot be made of what the configuration names.
    """
    found = [
        start
        for place, text in enumerate(config.starts)
        for start in _starts_of(text, place, config, potential)
    ]
    check_forces(potential, found[0].positions)
    relaxed = quench(np.array([start.positions for start in found]), potential)
    x = relaxed.positions - relaxed.positions.mean(axis=1, keepdims=True)
    return Starts(
        positions=x,
        names=tuple(start.name for start in found),
        sources=tuple(start.source for start in found),
        above=tuple(_above(found, x, relaxed.energies, potential)),
    )


def start_words(run: Run) -> list[str]:
    """Sentences on starts of a run that lie above the lowest minimum known of their motif."""
    facts = run.metadata
    return _words(facts.provenance.get("above_known", ()), f"{facts.element}{facts.n_atoms}")


def _words(above: Iterable[Mapping[str, Any]], cluster: str) -> list[str]:
    return [
        f"start {each['start']}: {each['energy']:.2f} eV above the lowest known minimum of its "
        f"motif, {each['motif']}, of {cluster}; starts: {BEST}:{each['motif']} takes that one"
        for each in above
    ]


def tell_starts(
    progress: Progress, starts: Starts, config: RunConfig, n_rungs: int | None = None
) -> None:
    """Report starts above the lowest minimum known of their motif, and those without a rung."""
    words = _words(starts.above, f"{config.system.metal}{config.system.n_atoms}")
    if n_rungs is not None and (left := starts.sources[n_rungs:]):
        words.append(
            f"{len(starts.sources)} starts on {n_rungs} rungs: no replica starts from "
            f"{', '.join(left)}"
        )
    if words:
        progress("starts", 1, 1, ". ".join(words))


def stream_of(config: RunConfig, potential: Potential) -> str:
    """Fingerprint of the random numbers of a sampling; its length has no part in it.

    Files and minima count by their content, so that a run repeats in another folder.
    """
    values = config.model_dump(
        mode="json", exclude_defaults=True, include={"dynamics": True, "system": {"n_atoms"}}
    )
    section = config.tempering
    values["tempering"] = {
        "ladder": list(section.ladder.temperatures),
        "swap_interval": section.swap_interval,
        "discard": section.discard,
        "mapped_below": section.mapped_below,
    }
    if section.within is not None:
        values["tempering"]["within"] = section.within
    values["potential"] = potential_numbers(potential)
    values["starts"] = [
        text if start_source(text)[0] in {*MOTIFS, BEST}
        else hashlib.sha256(
            b"".join(s.positions.tobytes() for s in _starts_of(text, 0, config, potential))
        ).hexdigest()
        for text in config.starts
    ]  # fmt: skip
    return stream_fingerprint("sampled", config.seed, values)


def _starts_of(text: str, place: int, config: RunConfig, potential: Potential) -> list[_Start]:
    """The structures that one entry of a configuration stands for."""
    source, motif = start_source(text)
    if source == BEST:
        return [_best(text, motif, config, potential)]
    if source in MOTIFS:
        # A seed for each place: two random starts are two clusters.
        seed = config.seed + place if source == "random" else None
        positions = _built(source, config, potential, seed)[0]
        return [_Start(source, text, positions, _ANY if source == "random" else None)]
    if Path(source).is_dir():
        return [
            _Start(label, f"{label} of {Path(source).name}", positions, label)
            for label, positions in _minima_of(source, motif, config, potential)
        ]
    return [_Start("_".join(Path(text).stem.split()), Path(text).name, _from_file(text, config))]


def _best(text: str, motif: str | None, config: RunConfig, potential: Potential) -> _Start:
    """The lowest minimum known, of all motifs or of one: shipped, or else built."""
    known = known_minima_of(potential, config.system.n_atoms)
    if found := [k for k in known if motif in {None, k}]:
        return _Start(motif or text, text, known[found[0]].positions, found[0])
    made = [_built(each, config, potential) for each in MOTIFS if each != "random"]
    if motif is not None:
        labels = _labels(quench(np.array([x for x, _ in made]), potential).positions, potential)
        made = [each for each, label in zip(made, labels, strict=True) if label == motif]
    if not made:
        raise ConfigError(
            f"starts: no minimum of {motif} is known of {config.system.metal}"
            f"{config.system.n_atoms}, and nothing that is built for it is one: name a structure "
            f"file, or a run of `nanochart search --motif {motif}`; got {text}"
        )
    positions, _ = min(made, key=lambda each: each[1])
    return _Start(motif or text, text, positions)


def _built(
    motif: str, config: RunConfig, potential: Potential, seed: int | None = None
) -> tuple[Floats, float]:
    """Positions and energy of a built structure."""
    own = config.system.potential == "gupta" and is_compiled(potential)
    atoms = build(
        motif, config.system.metal, config.system.n_atoms, seed=seed,
        potential=None if own else potential,
    )  # fmt: skip
    return np.asarray(atoms.positions), float(atoms.info["energy"])


def _minima_of(
    path: str, motif: str | None, config: RunConfig, potential: Potential
) -> list[tuple[str, Floats]]:
    """The lowest minimum of each motif of a run, or of one, with its motif, the lowest first.

    They are those of the run's own potential: which minimum is the lowest of its motif is a
    statement about a potential, so a run of another one is refused.
    """
    try:
        run = open_run(path)
        _check_run(run, config, potential)
        frames = run.frames().having("label")
        energies = frames.inherent.energies.ravel() if len(frames) else np.empty(0)
        if not energies.size:
            raise ConfigError(
                f"starts: {path} holds no labelled minima: let its search end (`nanochart search "
                f"... --resume`), or make them with `nanochart quench {path}` and `nanochart label "
                f"{path}`"
            )
        good = np.isfinite(energies) & frames.inherent.converged.ravel()
        codes, names = frames.motifs.codes.ravel(), frames.motifs.names
        lowest: dict[str, int] = {}
        for place in map(int, np.argsort(np.where(good, energies, np.inf), kind="stable")):
            if good[place] and codes[place] >= 0:
                lowest.setdefault(names[codes[place]], place)
        if motif is not None and motif not in lowest:
            raise ConfigError(
                f"starts: {path} holds no minimum of {motif}, of its motifs "
                f"{', '.join(lowest)}: name one of these, or search for it with `nanochart search "
                f"--motif {motif}`"
            )
        chosen = [motif] if motif is not None else list(lowest)
        x = frames.inherent.structures(np.array([lowest[each] for each in chosen]))
    except StoreError as error:
        raise ConfigError(f"starts: {error}") from error
    return list(zip(chosen, x, strict=True))


def _check_run(run: Run, config: RunConfig, potential: Potential) -> None:
    """Refuse a run of another cluster, or of another potential."""
    facts, system = run.metadata, config.system
    if (facts.element, facts.n_atoms) != (system.metal, system.n_atoms):
        raise ConfigError(
            f"starts: the minima of {run.path} must be of the cluster that is sampled, "
            f"{system.metal}{system.n_atoms}; got {facts.element}{facts.n_atoms}: name another run"
        )
    own = run.system.potential if run.holds_system else None
    if own is None or not is_described_by(potential, describe(own)):
        raise ConfigError(
            f"starts: the minima of {run.path} must be those of the potential that is sampled, "
            f"{potential.name}; got {'none' if own is None else own.name}: search with that one, "
            f"or name a structure file, which is quenched (`nanochart export {run.path} --to "
            "extxyz --structures inherent` writes one)"
        )


def _from_file(path: str, config: RunConfig) -> Floats:
    try:
        return read_structure(path, config.system.metal, config.system.n_atoms)
    except (ValueError, OSError) as error:
        raise ConfigError(
            f"starts: {error} (`nanochart import` has these options, `nanochart export` writes "
            f"what it made of the file)"
        ) from error


def _labels(positions: Floats, potential: Potential) -> list[str]:
    nearest = potential.nearest_neighbour
    return list(map(str, classify(positions, potential.symbol, nearest_neighbour=nearest)))


def _above(
    found: list[_Start], positions: Floats, energies: Floats, potential: Potential
) -> Iterable[dict[str, Any]]:
    """Which starts lie above the lowest minimum known of their motif, where none is that one."""
    n_atoms = positions.shape[1]
    if not known_minima_of(potential, n_atoms):
        return
    motifs = [
        label if start.label is None else start.label
        for start, label in zip(found, _labels(positions, potential), strict=True)
    ]
    gaps = [
        above_known(motif, float(energy), potential, n_atoms)
        for motif, energy in zip(motifs, energies, strict=True)
    ]
    there = {motif for motif, gap in zip(motifs, gaps, strict=True) if gap <= 0.0}
    told = set()
    for start, motif, gap in zip(found, motifs, gaps, strict=True):
        if motif not in there and (start.source, motif) not in told:
            told.add((start.source, motif))
            yield {"start": start.source, "motif": motif, "energy": gap}
