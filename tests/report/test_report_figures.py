"""Figures of the report: labelled axes, robust scales, numbers that match what was put in."""

import dataclasses
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest

from nanochart import report
from nanochart.autoencoder import Reconstruction
from nanochart.report.figures.bias import MOST_WALKERS, variable_walks
from nanochart.report.figures.charts import Coloring
from nanochart.statistics import Estimate
from nanochart.tempering import Ladder, group_by_temperature, level_means
from nanochart.tempering.diagnostics import acceptance, diagnose_ladder
from nanochart.units import BOLTZMANN

LADDER = np.array([300.0, 350.0, 420.0, 500.0])
N_FRAMES = 60


def _tempering(seed=0):
    """Energies of a harmonic solid of 13 atoms on four rungs, walkers swapping at random."""
    rng = np.random.default_rng(seed)
    rung = np.array([rng.permutation(4) for _ in range(N_FRAMES)])
    temperature = LADDER[rung]
    energy = -40.0 + BOLTZMANN * temperature * rng.gamma(33 / 2, 1.0, temperature.shape)
    outcome = rng.integers(0, 2, (N_FRAMES, 3)).astype(np.int8)
    outcome[::2, 1] = outcome[1::2, 0] = outcome[1::2, 2] = -1
    return rung, temperature, energy, outcome


def _history(n=12):
    epoch = np.arange(1, n + 1)
    return {
        "epoch": epoch,
        "train_loss": 1.0 / epoch,
        "validation_loss": 1.2 / epoch + 0.02 * (epoch - 7) ** 2,
        "validation_explained_variance": 1.0 - 0.5 / epoch,
        "learning_rate": np.full(n, 4e-3),
    }


def _reconstruction(n=20, bins=40, temperature=None):
    rng = np.random.default_rng(5)
    centers = np.linspace(2.0, 10.0, bins)
    targets = np.exp(-((centers - rng.uniform(4, 8, (n, 1))) ** 2))
    outputs = targets + rng.normal(size=(n, 1)) * 0.02 * np.sin(centers)
    known = {} if temperature is None else {"temperature": temperature}
    return Reconstruction(centers, targets, outputs, targets * 0.9, **known)


def _chart(latent, n=300):
    return np.random.default_rng(2).normal(size=(n, latent))


def _energy_coloring(n=300):
    return Coloring("energy", "eV", np.linspace(0.0, 4.0, n))


def _motif_coloring(n=300):
    return Coloring("start motif", "", np.arange(n) % 2, categories=("icosahedron", "twin"))


def _means(energy, temperature):
    return level_means(temperature, energy, "made up")


def _figures():
    _, temperature, energy, outcome = _tempering()
    reference = float(energy.min())
    yield "distributions", lambda: report.energy_distributions(energy, temperature)
    yield (
        "map",
        lambda: report.energy_map(
            energy, temperature, reference=reference, marks={"lowest": reference}
        ),
    )
    yield (
        "caloric",
        lambda: report.caloric_curve(_means(energy, temperature), reference=reference, n_atoms=13),
    )
    yield "inherent", lambda: report.inherent_energy_curve(_means(energy, temperature))
    yield "acceptance", lambda: report.exchange_acceptance(acceptance(outcome), LADDER)
    yield (
        "mixing",
        lambda: report.ladder_mixing(
            diagnose_ladder(Ladder(tuple(LADDER)), _tempering()[0], energy, outcome)
        ),
    )
    yield "walks", lambda: report.temperature_walks(temperature)
    yield "learning", lambda: report.learning_curves(_history())
    yield "examples", lambda: report.reconstruction_examples(_reconstruction())
    yield "errors", lambda: report.reconstruction_errors(_reconstruction())
    yield (
        "errors-by-temperature",
        lambda: report.reconstruction_errors(_reconstruction(temperature=np.tile(LADDER, 5))),
    )
    for latent in (2, 3, 4):
        yield (
            f"chart-{latent}",
            lambda latent=latent: report.chart_projections(_chart(latent), _energy_coloring()),
        )
    yield "chart-motif", lambda: report.chart_projections(_chart(3), _motif_coloring())
    yield (
        "overview",
        lambda: report.chart_overview(
            [("thermal", _chart(3)), ("inherent", _chart(3))],
            [[_energy_coloring(), _motif_coloring()]] * 2,
        ),
    )


FIGURES = dict(_figures())


def _labels(figure, axes, which):
    """The axis's label, or that of the axes it shares with, or that of the whole figure."""
    shared = [] if which == "z" else getattr(axes, f"get_shared_{which}_axes")().get_siblings(axes)
    whole = getattr(figure, f"get_sup{which}label")() if which in "xy" else ""
    found = [getattr(one, f"get_{which}label")() for one in {axes, *shared}] + [whole]
    return [label for label in found if label]


@pytest.mark.parametrize("name", FIGURES)
def test_every_axis_of_every_figure_has_a_label_with_a_unit(name):
    figure = FIGURES[name]()
    n_axes = 0
    for axes in figure.axes:
        for which in ("x", "y", "z") if hasattr(axes, "zaxis") else ("x", "y"):
            if not getattr(axes, f"get_{which}ticks")().size:  # the short side of a colour bar
                continue
            labels = _labels(figure, axes, which)
            assert labels, f"axis {which} of {axes} has no label"
            assert all("(" in label and ")" in label for label in labels), labels
            n_axes += 1
    assert n_axes >= 2


@pytest.mark.parametrize("name", FIGURES)
def test_figures_fit_a_column_or_a_page_and_leave_the_settings_alone(name):
    # Reading the backend would choose one, so it is left out.
    before = {key: mpl.rcParams[key] for key in mpl.rcParams if key != "backend"}
    figure = FIGURES[name]()
    assert figure.get_figwidth() <= 7.0 + 1e-9
    assert {key: mpl.rcParams[key] for key in before} == before


def test_no_figure_touches_pyplot_or_needs_a_display():
    code = (
        "import sys, io, numpy as np\n"
        "from nanochart import report\n"
        "c = report.Coloring('energy', 'eV', np.arange(9.0))\n"
        "f = report.chart_projections(np.random.default_rng(0).normal(size=(9, 3)), c)\n"
        "f.savefig(io.BytesIO(), format='png')\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    done = subprocess.run(  # our own interpreter and code
        [sys.executable, "-W", "error", "-c", code],
        env={"PATH": "", "MPLBACKEND": "tkagg", "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


# -- the chart ---------------------------------------------------------------------------------


def _points(figure):
    return [axes.collections[0].get_offsets() for axes in figure.axes if axes.collections]


def test_chart_draws_every_point_once_in_a_shuffled_reproducible_order():
    chart = _chart(2, 500)
    first, again = (
        _points(report.chart_projections(chart, _energy_coloring(500)))[0] for _ in range(2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, chart)
    assert np.array_equal(np.sort(first[:, 0]), np.sort(chart[:, 0]))


def test_chart_pairs_each_point_with_its_own_color():
    chart = _chart(2, 50)
    coloring = _energy_coloring(50)
    panel = report.chart_projections(chart, coloring).axes[0].collections[0]
    for point, color in zip(panel.get_offsets(), panel.get_facecolors(), strict=True):
        source = int(np.flatnonzero((chart == point).all(axis=1))[0])
        assert np.allclose(color, coloring.rgba[source])


def test_chart_leaves_out_points_that_are_not_finite_and_respects_the_limit():
    chart = _chart(3, 100)
    chart[:30, 1] = np.nan
    assert {
        len(p) for p in _points(report.chart_projections(chart, _energy_coloring(100)))[:3]
    } == {70}
    few = report.chart_projections(chart, _energy_coloring(100), max_points=20)
    assert len(_points(few)[0]) == 20


def test_chart_points_are_rasterized_and_labels_are_not():
    for axes in report.chart_projections(_chart(3), _energy_coloring()).axes[:4]:
        assert axes.collections[0].get_rasterized()
        assert not axes.xaxis.label.get_rasterized()


def test_three_axes_give_three_projections_that_share_axes_and_a_solid_view():
    chart = _chart(3, 40)
    front, side, plan, solid = report.chart_projections(chart, _energy_coloring(40)).axes[:4]
    pairs = {(a.get_xlabel()[3], a.get_ylabel()[3]) for a in (front, side, plan)}
    assert pairs == {("1", "2"), ("3", "2"), ("1", "3")}
    assert front.get_xlim() == plan.get_xlim()
    assert front.get_ylim() == side.get_ylim()
    assert solid.name == "3d"


def test_outliers_do_not_flatten_the_color_scale():
    values = np.linspace(0.0, 1.0, 1000)
    values[-3:] = 1e6
    norm = Coloring("energy", "eV", values).norm
    assert norm.vmin == pytest.approx(0.01, abs=2e-3)
    assert norm.vmax == pytest.approx(0.99, abs=2e-3)


def test_unknown_values_and_categories_are_grey():
    grey = mpl.colors.to_rgba("#c4c9cf")
    assert np.allclose(Coloring("energy", "eV", np.array([0.0, np.nan, 1.0])).rgba[1], grey)
    assert np.allclose(Coloring("motif", "", np.array([0, -1]), categories=("twin",)).rgba[1], grey)


def test_a_motif_keeps_its_color_whichever_others_are_there():
    assert (
        report.category_colors(["twin", "icosahedron"])[1]
        == report.category_colors(["icosahedron", "a.xyz"])[0]
    )
    many = report.category_colors([f"file {k}" for k in range(30)])
    assert len(set(many)) == 30


@pytest.mark.parametrize(
    ("chart", "message"),
    [
        (np.zeros((5, 1)), r"coordinates must have shape \(sample, latent\)"),
        (np.zeros((4, 3)), "must have one value for each of 4 points"),
    ],
)
def test_chart_refuses_shapes_that_do_not_fit(chart, message):
    with pytest.raises(ValueError, match=message):
        report.chart_projections(chart, _energy_coloring(5))


# -- energies ----------------------------------------------------------------------------------


def test_means_belong_to_their_temperature_and_know_no_error():
    temperature = np.array([[300.0, 400.0], [400.0, 300.0], [300.0, np.nan]] * 4)
    found = level_means(temperature, np.where(temperature == 300.0, 1.0, 5.0), "too few")
    assert found.temperatures.tolist() == [300.0, 400.0]
    assert found.mean.value.tolist() == found.low.tolist() == found.high.tolist() == [1.0, 5.0]
    assert not found.mean.known.any()
    assert found.mean.reason == "too few"


def test_temperatures_that_are_no_ladder_are_binned_without_losing_any():
    temperature = np.random.default_rng(3).uniform(300, 600, (100, 10))
    temperature[0, 0] = np.nan
    groups = list(group_by_temperature(temperature))
    assert len(groups) == 24
    assert sum(mask.sum() for _, mask in groups) == 999
    assert np.all(np.diff([level for level, _ in groups]) > 0)


def test_caloric_curve_draws_the_means_and_the_harmonic_solid():
    _, temperature, energy, _ = _tempering()
    found = _means(energy, temperature)
    known = np.array([True, True, False, True])
    mean = Estimate.of(found.mean.value, np.full(4, 0.01), 20.0, known, "too few")
    made = dataclasses.replace(found, mean=mean)
    axes = report.caloric_curve(made, reference=-40.0, n_atoms=13).axes[0]
    harmonic, points = axes.lines[0], axes.containers[0].lines[0]
    slope = np.diff(harmonic.get_ydata()) / np.diff(harmonic.get_xdata())
    assert slope == pytest.approx(33 / 2 * BOLTZMANN)
    # What is not known has no bar, and its circle is open.
    assert points.get_xdata().tolist() == LADDER[known].tolist()
    assert [line for line in axes.lines if list(line.get_xdata()) == [LADDER[2]]]
    for level, value in zip(LADDER, found.mean.value, strict=True):
        assert value == pytest.approx(energy[temperature == level].mean())
        # The solid is harmonic, so the points lie on the line within the statistics.
        sigma = np.sqrt(33 / 2) * BOLTZMANN * level / np.sqrt(N_FRAMES)
        assert abs(value + 40.0 - 33 / 2 * BOLTZMANN * level) < 4 * sigma


def test_energy_distributions_have_unit_area():
    _, temperature, energy, _ = _tempering()
    axes = report.energy_distributions(energy, temperature).axes[0]
    assert len(axes.lines) == 4
    for line in axes.lines:
        assert np.trapezoid(line.get_ydata(), line.get_xdata()) == pytest.approx(1.0, abs=0.01)


def test_rows_of_the_energy_map_hold_all_frames_but_the_outermost():
    _, temperature, energy, _ = _tempering()
    mesh = report.energy_map(energy, temperature).axes[0].collections[0]
    rows = np.ma.filled(mesh.get_array(), 0.0)
    held = np.nansum(rows, axis=1) * N_FRAMES / 100.0
    assert np.allclose(held, np.round(held))
    assert 4 * N_FRAMES - 2 <= held.sum() <= 4 * N_FRAMES


def test_energies_refuse_shapes_that_differ_and_data_with_nothing_known():
    _, temperature, energy, _ = _tempering()
    with pytest.raises(ValueError, match=r"must both have shape \(frame, replica\)"):
        report.energy_distributions(energy[:, :2], temperature)
    with pytest.raises(ValueError, match="known together for at least one configuration"):
        report.energy_distributions(energy, np.full_like(temperature, np.nan))


# -- exchange ----------------------------------------------------------------------------------


def test_acceptance_figure_shows_percent_at_the_middle_of_each_pair():
    _, _, _, outcome = _tempering()
    axes = report.exchange_acceptance(acceptance(outcome), LADDER).axes[0]
    points = axes.containers[0].lines[0]
    assert points.get_xdata().tolist() == [325.0, 385.0, 460.0]
    assert np.allclose(points.get_ydata(), 100 * acceptance(outcome).share)
    with pytest.raises(ValueError, match="ladder must have 4 temperatures for 3 pairs"):
        report.exchange_acceptance(acceptance(outcome), LADDER[:3])


def test_walks_show_one_replica_of_each_start_motif():
    _, temperature, _, _ = _tempering()
    figure = report.temperature_walks(temperature, motifs=["twin", "twin", "hcp", "twin"])
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["replica 0, from the twin", "replica 2, from the hcp"]
    assert np.array_equal(figure.axes[1].lines[0].get_ydata(), temperature[:, 2])


# -- learning ----------------------------------------------------------------------------------


def test_learning_curves_mark_the_epoch_of_the_lowest_validation_loss():
    history = _history()
    best = int(np.argmin(history["validation_loss"]))
    figure = report.learning_curves(history)
    assert len(figure.axes) == 3
    marked = {
        line.get_xdata()[0]
        for axes in figure.axes
        for line in axes.lines
        if len(line.get_xdata()) == 2
    }
    assert marked == {history["epoch"][best]}
    assert any(t.get_text() == f"best epoch {best + 1}" for t in figure.axes[-1].texts)


def test_learning_curves_of_a_bare_history_have_one_panel_and_of_none_are_refused():
    history = {k: v for k, v in _history().items() if k.endswith("loss") or k == "epoch"}
    assert len(report.learning_curves(history).axes) == 1
    with pytest.raises(ValueError, match="'validation_loss' of at least one epoch"):
        report.learning_curves({"epoch": [1], "train_loss": [0.1]})


def test_explained_variance_by_hand_and_examples_in_order_of_error():
    targets = np.array([[0.0, 0.0], [2.0, 0.0], [4.0, 0.0]])
    outputs = targets + np.array([[0.0, 1.0], [0.0, 0.0], [2.0, 0.0]])
    made = Reconstruction(np.array([2.0, 3.0]), targets, outputs)
    # residuals 1 + 0 + 4 over variances 4 + 0 + 4
    assert made.explained_variance == pytest.approx(1.0 - 5.0 / 8.0)
    assert made.examples() == {"good": 1, "median": 0, "worst": 2}
    with pytest.raises(ValueError, match=r"the same shape \(sample, bin\)"):
        Reconstruction(np.array([2.0, 3.0]), targets, outputs[:2])


def test_one_temperature_has_no_scale_of_temperatures():
    energy = np.random.default_rng(0).gamma(3.0, 1.0, (40, 4))
    kelvin = np.full(energy.shape, 450.0)
    (panel,) = report.energy_distributions(energy, kelvin).axes
    assert panel.get_ylabel() == "probability density (1/eV)"
    (panel,) = report.energy_map(energy, kelvin).axes
    assert panel.get_ylabel() == "share of frames in a bin (%)"
    (stairs,) = panel.patches
    assert stairs.get_data().values.sum() == pytest.approx(100.0, abs=1.0)


def test_charts_of_one_colouring_stand_side_by_side():
    charts = [(name, _chart(3)) for name in ("thermal", "inherent")]
    figure = report.chart_overview(charts, [[_energy_coloring()]] * 2)
    figure.draw_without_rendering()
    thermal, inherent = (panel.get_position() for panel in figure.axes[:2])
    assert thermal.x1 < inherent.x0
    assert thermal.y0 == pytest.approx(inherent.y0)


@pytest.mark.parametrize("walkers", [2, 12])
def test_the_variables_of_walkers_are_drawn_against_time(walkers):
    values = np.random.default_rng(0).normal(size=(50, walkers, 2))
    starts = ["dh/1", "fcc/1"] * (walkers // 2)
    figure = variable_walks(
        values, 0.5 * np.arange(50), "ns", ["s1", "energy"], ["1", "eV"], starts
    )
    s1, energy = figure.axes
    assert s1.get_ylabel() == "$s_1$ (dimensionless)"
    assert energy.get_ylabel() == "energy (eV)"
    assert energy.get_xlabel() == "time (ns)"
    assert len(s1.lines) == min(walkers, MOST_WALKERS)
    np.testing.assert_array_equal(energy.lines[1].get_ydata(), values[:, 1, 1])
    (legend,) = figure.legends
    assert legend.get_texts()[1].get_text() == "walker 1, from fcc/1"
