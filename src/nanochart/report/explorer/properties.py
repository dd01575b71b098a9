"""What the explorer knows about each structure of a run."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nanochart.errors import StoreError
from nanochart.report.explorer.explorer import MAX_CATEGORIES, Property
from nanochart.report.figures.style import REST, TEMPERATURE_COLORMAP, category_colors
from nanochart.report.page.run_data import RunData

__all__ = ["run_properties"]


def run_properties(
    data: RunData,
    *,
    chart: Literal["thermal", "inherent"] | None,
    family_names: Mapping[int, str] | None = None,
    errors: NDArray[Any] | None = None,
    numbers: NDArray[Any] | None = None,
) -> tuple[list[Property], tuple[str, ...]]:
    """Everything that a run says about its structures, frame by frame and replica by replica.

    Parameters
    ----------
    data
        The run.
    chart
        Whose places make the map, "thermal" or "inherent"; None where there is no chart.
    family_names
        Code -> name.
    errors
        Reconstruction error of each structure in 1/Å (structure,).
    numbers
        Of the frames in the run (frame,); by default they are counted from 0.

    Returns
    -------
    properties
        Each of shape (structure,).
    axes
        Names of those that make the map: the chart's first three, else energy and temperature.

    Raises
    ------
    StoreError
        If there are fewer than two numbers to make a map of.
    """
    properties = [
        *_coordinates(data, chart),
        *_energy(data),
        *_motifs(data),
        *_families(data, family_names or {}),
        *_temperature(data),
    ]
    if errors is not None:
        text = "root-mean-square error of the reconstructed RDF"
        properties.append(Property("reconstruction error", 1e3 * errors, "10⁻³/Å", text, 2))
    properties += _numbers(data)
    properties += _places(data, numbers)
    axes = tuple(p.name for p in properties if p.name in {"s1", "s2", "s3"})
    if not axes:
        axes = tuple(p.name for p in properties if p.name in {"temperature", "energy"})[::-1]
    if len(axes) < 2:
        raise StoreError(
            "there is nothing to draw a map of, neither a chart nor energies with temperatures: "
            "run `nanochart quench`, `nanochart train` and `nanochart chart` first"
        )
    return properties, axes


def _coordinates(data: RunData, chart: Literal["thermal", "inherent"] | None) -> list[Property]:
    points = None if chart is None else data.places(chart)
    if points is None or points.shape[-1] < 2:
        return []
    flat = points.reshape(-1, points.shape[-1])
    return [
        Property(f"s{k + 1}", column, description=f"chart coordinate {k + 1}")
        for k, column in enumerate(flat.T)
    ]


def _energy(data: RunData) -> list[Property]:
    if data.inherent_energy is not None:
        text, energy = "inherent energy above the lowest minimum", data.inherent_energy
    elif data.energy is not None:
        text, energy = "potential energy above the lowest", data.energy
    else:
        return []
    return [Property("energy", (energy - np.nanmin(energy)).ravel(), "eV", text, button=True)]


def _temperature(data: RunData) -> list[Property]:
    if data.temperature is None:
        return []
    return [
        Property(
            "temperature",
            data.temperature.ravel(),
            "K",
            "temperature of the thermostat",
            1,
            colormap=TEMPERATURE_COLORMAP,
            button=True,
        )
    ]


def _motifs(data: RunData) -> list[Property]:
    if data.motif_codes is None:
        return []
    codes = data.motif_codes.ravel().astype(int)
    return [_categories("motif", codes, data.motif_names, "motif of the structure")]


def _categories(
    name: str, codes: NDArray[Any], known: Mapping[int, str], description: str
) -> Property:
    present = np.unique(codes).tolist()
    names = tuple(known.get(code, "unknown" if code < 0 else str(code)) for code in present)
    return Property(
        name,
        np.searchsorted(present, codes).astype(float),
        description=description,
        categories=names,
        colors=category_colors(names),
        button=True,
    )


def _families(data: RunData, names: Mapping[int, str]) -> list[Property]:
    """Families by name; beyond what the viewer can tell apart the smallest share one name."""
    codes = data.family_codes
    if codes is None:
        return []
    flat = codes.ravel().astype(int)
    known = {0: "noise", **{code: str(name) for code, name in names.items()}}
    present, sizes = np.unique(flat[flat > 0], return_counts=True)
    shown = flat.copy()
    if len(present) > MAX_CATEGORIES - 2:
        small = present[np.argsort(-sizes, kind="stable")][MAX_CATEGORIES - 2 :]
        rest = int(present.max()) + 1
        shown[np.isin(flat, small)] = rest
        known[rest] = f"{len(small)} {REST}"
    found = [_categories("family", shown, known, "family of the structure in the chart")]
    if len(present) > MAX_CATEGORIES - 2:
        text = "number of the family, 0 for noise"
        found.append(Property("family number", flat.astype(float), description=text, digits=0))
    return found


def _numbers(data: RunData) -> list[Property]:
    """Numbers of the structures under their own names: margins, defects."""
    return [
        Property(name, values.ravel().astype(float), unit, text, 3)
        for name, unit, text, values in data.descriptors()
    ]


def _places(data: RunData, numbers: NDArray[Any] | None) -> list[Property]:
    time, unit = data.time
    frames = np.arange(data.n_frames) if numbers is None else numbers
    replicas = np.arange(data.n_replicas)
    found = [
        Property("frame", np.repeat(frames.astype(float), data.n_replicas), digits=0),
        Property("replica", np.tile(replicas.astype(float), data.n_frames), digits=0),
    ]
    if unit == "ns":
        text = "time since the start of the run"
        found.append(Property("time", np.repeat(time, data.n_replicas), unit, text, 4))
    return found
