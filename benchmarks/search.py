"""Claim: the lowest minimum takes at most half of the quenches of ASE's basin hopping.

The same work on one core: from random starts to the truncated octahedron of 38 atoms of Au, Ag, Cu
(Gupta potentials) and of Lennard-Jones (an ``eam/alloy`` table without embedding), which is the
lowest minimum known of each. ASE's ``BasinHopping`` evaluates the same compiled potential through
its calculator, relaxes with LBFGS to 0.01 eV/Å (nanochart to 0.001), has nanochart's temperature
and steps of up to 0.4 Å. Both begin at the same random places and are asked whether the energy is
that of the octahedron after every quench.

A run of ASE ends without success at two and a half times the median of nanochart, because it may
need thousands of quenches at some 50 ms each, and the peer is left alone once more than half of its
runs have ended so. Its median is then unknown: what is printed is a lower limit of it, and of the
ratio.

    python benchmarks/search.py [--runs 20]

The last line is one JSON object: medians of quenches and seconds of both, and their ratios.
"""

import argparse
import json
import math
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.optimize import LBFGS
from ase.optimize.basin import BasinHopping

import nanochart as nc
from nanochart.potentials import Potential
from nanochart.testing import LennardJones

N_ATOMS = 38
WITHIN = 1e-3  # eV
LIMIT = 2.5  # of the peer's quenches, in nanochart's median


class Found(Exception):  # noqa: N818  it is no error
    """The peer has come to the lowest minimum."""


class CountedHopping(BasinHopping):
    """ASE's basin hopping, with a count of quenches and an end."""

    def __init__(
        self, atoms: Atoms, potential: Potential, target: float, limit: int, kT: float
    ) -> None:
        self.potential, self.target, self.limit, self.quenches = potential, target, limit, 0
        super().__init__(
            atoms, temperature=kT, optimizer=LBFGS, fmax=0.01, dr=0.4, logfile=None,
            trajectory=None, optimizer_logfile=None, local_minima_trajectory=None,
        )  # fmt: skip

    def get_energy(self, positions: np.ndarray) -> float | None:
        """Energy of the quenched positions; ends the run at the target or the limit."""
        if not np.any(self.positions != positions):
            return self.energy
        self.quenches += 1
        try:
            energy = super().get_energy(positions)
        except ValueError:  # atoms on top of each other: another move
            energy = None
        if energy is not None and energy < self.target + 0.05:
            near = nc.minimization.quench(self._atoms().positions, self.potential)
            if near.energies < self.target + WITHIN:
                raise Found
        if self.quenches >= self.limit:
            raise TimeoutError
        return energy


def peer(potential: Potential, target: float, seed: int, limit: int) -> tuple[int, float, bool]:
    """Quenches, seconds and success of one run of ASE."""
    np.random.seed(seed)  # noqa: NPY002  ASE draws from it
    start = nc.clusters.build("random", potential.symbol, N_ATOMS, seed=seed, potential=potential)
    atoms = Atoms(start.symbols, start.positions)
    atoms.calc = nc.interop.PotentialCalculator(potential)
    begun, hopping = time.perf_counter(), None
    try:
        hopping = CountedHopping(atoms, potential, target, limit, 0.03 * abs(target) / N_ATOMS)
        hopping.run(10**9)
    except Found:
        return hopping_of(hopping), time.perf_counter() - begun, True
    except TimeoutError:
        return limit, time.perf_counter() - begun, False


def hopping_of(hopping: CountedHopping | None) -> int:
    """Quenches of a run; one that ended in its first has no object yet."""
    return 1 if hopping is None else hopping.quenches


def compare(
    name: str, potential: Potential, target: float, runs: int, pool: ThreadPoolExecutor
) -> dict[str, Any]:
    """Medians of one system; prints a line."""
    nc.search.minima(potential, N_ATOMS, seed=10**6, n_quenches=20, executor=pool)  # compiles
    ours, seconds = [], []
    for seed in range(runs):
        begun = time.perf_counter()
        found = nc.search.minima(
            potential, N_ATOMS, seed=seed, target=target + WITHIN, keep=1, executor=pool
        )
        seconds.append(time.perf_counter() - begun)
        assert abs(found.energies[0] - target) < WITHIN, f"{name}: run {seed} did not find it"
        ours.append(found.n_quenches)
    median, clock = statistics.median(ours), statistics.median(seconds)
    limit = math.ceil(LIMIT * median)
    print(
        f"{name}{N_ATOMS}: nanochart {runs} of {runs} runs, median {median:g} quenches (largest "
        f"{max(ours)}), {clock:.3f} s",
        flush=True,
    )
    theirs = []
    for seed in range(runs):
        theirs.append(peer(potential, target, seed, limit))
        if sum(not success for *_, success in theirs) > runs / 2:
            break
    censored = sum(not success for *_, success in theirs)
    # What was left out can at best have been quick: it does not bring the median below the limit.
    known = censored <= runs / 2
    quenches = statistics.median(q for q, *_ in theirs) if known else limit
    per_quench = sum(s for _, s, _ in theirs) / sum(q for q, *_ in theirs)
    wall = statistics.median(s for _, s, _ in theirs) if known else limit * per_quench
    more = "" if known else "more than "
    print(
        f"{name}{N_ATOMS}: ASE {len(theirs) - censored} of {len(theirs)} runs, "
        f"median {more}{quenches:g} quenches, {more}{wall:.1f} s ({1e3 * per_quench:.0f} ms each)",
        flush=True,
    )
    return {
        "ours": {"quenches": median, "seconds": round(clock, 4)},
        "peer": {"quenches": quenches, "seconds": round(wall, 3), "is_a_lower_limit": not known},
    }


def main() -> None:
    """Compare both on all systems."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    lj = LennardJones()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as pool:
        table = Path(folder) / "lj.alloy"
        lj.write_setfl(table)
        systems = {metal: nc.potentials.gupta(metal) for metal in ("Au", "Ag", "Cu")}
        systems["LJ"] = nc.potentials.eam(table, lj.symbol)
        found = {}
        for name, potential in systems.items():
            octahedron = nc.clusters.build(
                "octahedron", potential.symbol, N_ATOMS, potential=potential
            )
            target = float(octahedron.info["energy"])
            if name == "LJ":  # Wales, Doye, J. Phys. Chem. A 101, 5111 (1997)
                assert abs(target / lj.epsilon + 173.928427) < 1e-3
            found[name] = compare(name, potential, target, runs, pool)
    ratio = {
        f"{name}_{what}": round(each["peer"][what] / each["ours"][what], 1)
        for name, each in found.items()
        for what in ("quenches", "seconds")
    }
    print(json.dumps({"benchmark": "search", **found, "ratio": ratio}))


if __name__ == "__main__":
    main()
