import itertools
import json
import math

import numpy as np
import pytest
from scipy.special import betainc, erfc
from scipy.stats import gamma, norm

import nanochart as nc
from nanochart.cli.tune import tune_command
from nanochart.config import load_config
from nanochart.errors import ConfigError
from nanochart.tempering import Ladder
from nanochart.tempering.tuning import (
    EnergyDistributions,
    MappedDistances,
    harmonic_ladder,
    mean_acceptance,
    predicted_acceptance,
    tuned_ladder,
)
from nanochart.testing import TwoBasins
from nanochart.units import BOLTZMANN
from nanochart.workflow.tune import tune_ladder, tune_segment, tuned_text, write_tuned

GOLD = nc.potentials.gupta("Au")
LEVELS = (np.arange(128) + 0.5) / 128


def harmonic_distributions(f, temperatures):
    T = np.asarray(temperatures)
    return EnergyDistributions(
        T, np.array([gamma.ppf(LEVELS, f / 2, scale=BOLTZMANN * t) for t in T])
    )


def exact_harmonic(f, ladder):
    T = np.array(ladder.temperatures)
    return 2.0 * betainc(f / 2, f / 2, T[:-1] / (T[:-1] + T[1:]))


def two_basin_quantiles(system, f, T, levels=LEVELS):
    beta = 1.0 / (BOLTZMANN * T)
    p = system.population(1, beta, f)

    def below(e):
        return sum(
            w * gamma.cdf(e - e0, f / 2, scale=1.0 / beta)
            for w, e0 in zip((1 - p, p), system.energies, strict=True)
        )

    high = max(system.energies) + gamma.ppf(1 - 1e-12, f / 2, scale=1.0 / beta)
    energies = np.linspace(0.0, high, 8_000)
    return np.interp(levels, below(energies), energies)


def exact_two_basins(system, f, ladder):
    """By 400 exact quantiles at each temperature."""
    levels = (np.arange(400) + 0.5) / 400
    T = ladder.temperatures
    q = [two_basin_quantiles(system, f, t, levels) for t in T]
    return np.array([mean_acceptance(q[k], q[k + 1], T[k], T[k + 1]) for k in range(len(T) - 1)])


# -- prediction ------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [6, 33, 435])
def test_predicted_acceptance_of_a_harmonic_solid_is_exact(f):
    # Three measured temperatures; the ladder stands between them.
    distributions = harmonic_distributions(f, [300.0, 420.0, 600.0])
    ladder = Ladder((300.0, 310.0, 333.0, 361.0, 400.0, 470.0, 600.0))
    exact = exact_harmonic(f, ladder)
    np.testing.assert_allclose(predicted_acceptance(distributions, ladder), exact, atol=2e-3)
    assert np.ptp(exact) > 0.1  # the pairs differ


def test_predicted_acceptance_of_normal_energies_is_exact():
    # Constant heat capacity: mean C T and variance C k T², so Δβ ΔE = (Δ/s)² nearly.
    T, C = np.array([400.0, 420.0]), 100 * BOLTZMANN
    width = np.sqrt(C * BOLTZMANN) * T
    mean, s = C * (T[1] - T[0]), np.hypot(*width)
    b = (1 / T[0] - 1 / T[1]) / BOLTZMANN
    # E[min(1, e^x)] for x normal with mean m and width v.
    m, v = -b * mean, b * s
    exact = norm.cdf(m / v) + math.exp(m + v**2 / 2) * norm.cdf(-(m + v**2) / v)
    levels = (np.arange(128) + 0.5) / 128
    distributions = EnergyDistributions(T, (C * T)[:, None] + np.outer(width, norm.ppf(levels)))
    found = predicted_acceptance(distributions, Ladder(tuple(T)))
    assert found[0] == pytest.approx(exact, abs=2e-3)


def test_prediction_from_samples_is_within_its_statistics():
    f, n = 33, 2_000
    ladder = Ladder((300.0, 360.0, 440.0))
    exact = exact_harmonic(f, ladder)
    found = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        samples = [BOLTZMANN * t * rng.gamma(f / 2, 1.0, n) for t in ladder.temperatures]
        distributions = EnergyDistributions.from_samples(ladder.temperatures, samples)
        found.append(predicted_acceptance(distributions, ladder))
    error = np.std(found, axis=0, ddof=1) / math.sqrt(10)
    assert (np.abs(np.mean(found, axis=0) - exact) < 4 * error + 2e-3).all()
    assert error.max() < 5e-3


def test_energies_that_fall_with_temperature_are_taken_for_noise():
    quantiles = np.linspace(0.0, 1.0, 128) + np.array([[0.0], [1.0], [0.9], [2.0]])
    made = EnergyDistributions(np.array([300.0, 400.0, 410.0, 500.0]), quantiles)
    assert (np.diff([made.at(t) for t in np.linspace(300, 500, 41)], axis=0) >= -1e-12).all()


def test_equal_temperatures_are_taken_together():
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(0, 1, 200), rng.normal(0, 1, 300), rng.normal(2, 1, 100)
    made = EnergyDistributions.from_samples([300.0, 400.0, 300.0], [a, c, b])
    np.testing.assert_allclose(made.at(300.0), np.quantile(np.concatenate([a, b]), LEVELS))


# -- tuning ----------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [0.1, 0.3, 0.6])
def test_a_constant_heat_capacity_gives_the_geometric_ladder(target):
    f = 3 * 38 - 6
    tuned = tuned_ladder(harmonic_distributions(f, [250.0, 600.0]), 250.0, 600.0, target)
    T = np.array(tuned.ladder.temperatures)
    assert (T[0], T[-1]) == (250.0, 600.0)
    np.testing.assert_allclose(T, np.geomspace(250.0, 600.0, len(T)), rtol=1e-4)
    exact = exact_harmonic(f, tuned.ladder)
    np.testing.assert_allclose(tuned.acceptance, exact, atol=2e-3)
    assert exact.min() > target - 2e-3
    # One temperature fewer would miss the target.
    fewer = exact_harmonic(f, Ladder.geometric(250.0, 600.0, len(T) - 1))
    assert fewer.max() < target
    assert harmonic_ladder(38, 250.0, 600.0, target).temperatures == pytest.approx(T, rel=1e-4)


def test_two_basins_get_equal_acceptance_through_their_transition():
    system, f = TwoBasins(energies=(0.0, 0.8), stiffnesses=(2.0, 1.0)), 54
    assert system.population(1, 1 / (BOLTZMANN * 350.0), f) < 0.05
    assert system.population(1, 1 / (BOLTZMANN * 620.0), f) > 0.9
    measured = np.linspace(350.0, 620.0, 10)
    made = EnergyDistributions(
        measured, np.array([two_basin_quantiles(system, f, t) for t in measured])
    )
    tuned = tuned_ladder(made, 350.0, 620.0, 0.3)
    exact = exact_two_basins(system, f, tuned.ladder)
    np.testing.assert_allclose(tuned.acceptance, exact, atol=0.03)
    assert np.ptp(tuned.acceptance) < 2e-3
    # A geometric ladder of as many temperatures is not even.
    geometric = exact_two_basins(system, f, Ladder.geometric(350.0, 620.0, len(tuned.ladder)))
    assert np.ptp(geometric) > 3 * np.ptp(exact)
    ratio = np.diff(np.log(tuned.ladder.temperatures))
    assert ratio.min() < 0.8 * ratio.max()  # denser where the basins change


def test_ends_close_together_give_two_temperatures():
    tuned = tuned_ladder(harmonic_distributions(33, [300.0, 400.0]), 300.0, 301.0, 0.3)
    assert tuned.ladder.temperatures == (300.0, 301.0)
    assert tuned.acceptance[0] > 0.9


def test_a_target_in_percent_is_refused():
    with pytest.raises(ValueError, match=r"must lie between 0 and 1, as 0\.3; got 30"):
        tuned_ladder(harmonic_distributions(33, [300.0, 400.0]), 300.0, 400.0, 30)


def test_ends_where_nothing_was_measured_are_refused():
    with pytest.raises(ValueError, match="300 to 400 K; got 450 K: sample there, too"):
        tuned_ladder(harmonic_distributions(33, [300.0, 400.0]), 300.0, 450.0)


def test_too_few_energies_are_refused():
    with pytest.raises(ValueError, match="at least 8 energies; got 3 at 300 K: sample longer"):
        EnergyDistributions.from_samples([300.0, 400.0], [np.ones(3), np.ones(20)])


# -- from short runs -------------------------------------------------------------------------


@pytest.mark.parametrize("energies", [(0.0, 0.0), (0.0, 0.4)])
def test_a_ladder_tuned_by_short_runs_of_an_exact_system_keeps_its_promise(energies):
    n_atoms, target = 9, 0.3
    system = TwoBasins(energies=energies, stiffnesses=(2.0, 1.0), crossing=1.0)
    tuned = tune_segment(
        system,
        np.zeros((1, n_atoms, 3)),
        GOLD,
        Ladder.geometric(150.0, 400.0, 5),
        target,
        steps=2,
        rounds=1_200,
        seed=5,
    )
    exact = exact_two_basins(system, 3 * n_atoms, tuned.ladder)
    error = np.maximum(tuned.predicted_error, 5e-3)
    assert (np.abs(tuned.predicted - exact) < 4 * error).all()
    assert error.max() < 0.03
    n = tuned.measured.attempts
    assert (np.abs(tuned.measured.share - exact) < 4 * np.sqrt(exact * (1 - exact) / n)).all()
    assert (np.abs(tuned.deviations) < 4).all()
    assert exact.min() > target - 0.06
    assert np.ptp(exact) < 0.12
    assert tuned.runs == 3


CONFIG = """# A small cluster
system: {metal: Au, n_atoms: 38}
starts: [octahedron]
tempering:
  t_min: 500.0  # K
  t_max: 800.0  # K
  n: 4
  # between attempts
  swap_interval: 250.0
  time_per_replica: 1.0
seed: 3
"""


@pytest.fixture
def config_file(tmp_path):
    path = tmp_path / "au38.yaml"
    path.write_text(CONFIG)
    return path


@pytest.mark.parametrize(
    ("t_min", "t_max", "pilot"),
    [
        (700.0, 1000.0, 100.0),  # a liquid, which forgets itself within a pilot
        pytest.param(250.0, 600.0, 1_500.0, marks=pytest.mark.slow),  # through melting
    ],
)
def test_a_real_cluster_exchanges_as_predicted(t_min, t_max, pilot, config_file):
    tuned = tune_ladder(load_config(config_file), t_min, t_max, pilot=pilot)
    ends = tuned.ladder.temperatures[0], tuned.ladder.temperatures[-1]
    assert ends == (t_min, t_max)
    print(tuned.ladder.temperatures, tuned.predicted, tuned.measured.share, tuned.deviations)
    assert (np.abs(tuned.deviations) < 4).all()
    error = 0.5 * (tuned.measured.high - tuned.measured.low)
    assert (tuned.measured.share > 0.3 - 4 * error).all()
    assert np.ptp(tuned.predicted) < 0.02  # ladder rounded to tenths of a kelvin


def test_a_pilot_of_a_few_steps_is_refused(config_file):
    with pytest.raises(ConfigError, match="at least 20 ps per replica; got 1"):
        tune_ladder(load_config(config_file), pilot=1.0)


def test_ends_in_the_wrong_order_are_refused(config_file):
    with pytest.raises(ConfigError, match=r"0 < t_min < t_max .* got 900 and 800"):
        tune_ladder(load_config(config_file), t_min=900.0)


def test_the_configuration_keeps_all_but_its_temperatures(config_file, tmp_path):
    ladder = Ladder((500.0, 601.5, 800.0))
    path = write_tuned(config_file, ladder, tmp_path / "tuned.yaml")
    assert load_config(path).tempering.ladder == ladder
    text = path.read_text()
    for kept in ("# A small cluster", "# between attempts", "swap_interval: 250.0\n"):
        assert kept in text
    assert "t_max" not in text


SECTIONS = {
    "flow": "tempering: {t_min: 300, n: 3, t_max: 600, swap_interval: 1.0, time_per_replica: 1.0}",
    "two lines": """tempering:
  swap_interval: 1.0
  time_per_replica: 1.0
  temperatures: [300,
     400]   # K""",
    "list": """tempering:
  swap_interval: 1.0
  temperatures:
    - 300
    - 400
  time_per_replica: 1.0""",
}


@pytest.mark.parametrize("section", SECTIONS.values(), ids=SECTIONS)
def test_every_way_to_write_a_ladder_is_replaced(section, tmp_path):
    source = tmp_path / "a.yaml"
    source.write_text(f"system: {{metal: Au, n_atoms: 38}}\n{section}\n")
    ladder = Ladder((300.0, 350.5, 600.0))
    path = write_tuned(source, ladder, tmp_path / "b.yaml")
    assert load_config(path).tempering.ladder == ladder
    assert load_config(path).tempering.swap_interval == 1.0


@pytest.mark.parametrize("name", sorted(nc.config.PRESETS))
def test_presets_can_be_tuned(name, tmp_path):
    source = tmp_path / "preset.yaml"
    source.write_text(nc.config.preset_text(name))
    assert "[300, 400]" in tuned_text(source, Ladder((300.0, 400.0)))
    write_tuned(source, Ladder((300.0, 400.0)), tmp_path / "tuned.yaml")


def test_a_configuration_that_is_there_is_left_alone(config_file):
    with pytest.raises(ConfigError, match="exists already: name another file"):
        write_tuned(config_file, Ladder((500.0, 800.0)), config_file)
    assert config_file.read_text() == CONFIG


def test_the_command_prints_each_pair_and_writes_the_configuration(config_file, capsys):
    short = config_file.with_name("short.yaml")
    short.write_text(CONFIG.replace("500.0", "700.0"))
    tune_command(short, None, 0.3, 30.0, seed=1, json=False, quiet=True)
    lines = capsys.readouterr().out.splitlines()
    written = short.with_name("short-tuned.yaml")
    T = load_config(written).tempering.ladder.temperatures
    assert lines[0] == f"{written}: {len(T)} temperatures for 30%, instead of 4"
    assert [line.split()[:2] for line in lines[2 : len(T) + 1]] == [
        [f"{a:.1f}", f"{b:.1f}"] for a, b in itertools.pairwise(T)
    ]
    assert lines[-1] == f"next: nanochart sample {written}"


def test_the_command_gives_json(config_file, capsys):
    target = config_file.with_name("other.yaml")
    tune_command(config_file, target, 0.3, 20.0, seed=None, json=True, quiet=True)
    result = json.loads(capsys.readouterr().out)
    assert result["temperatures"] == list(load_config(target).tempering.ladder.temperatures)
    assert len(result["pairs"]) == len(result["temperatures"]) - 1
    assert {"predicted", "measured", "measured_interval"} <= set(result["pairs"][0])


def test_the_command_does_not_run_for_a_file_that_is_there(config_file):
    with pytest.raises(ValueError, match="exists already"):
        tune_command(config_file, config_file, 0.3, 200.0, seed=None, json=False, quiet=True)


def test_mapped_pairs_are_placed_by_their_own_distances():
    # Vibrations whose mapped exchange is accepted with erfc(0.2 |Δ√T|).
    ladder = Ladder((20.0, 60.0, 150.0, 300.0))
    roots = np.sqrt(ladder.temperatures)
    share = erfc(0.2 * np.diff(roots))
    plain = harmonic_distributions(108, [20.0, 600.0])
    model = MappedDistances(plain, 300.0, ladder, share)
    assert model.acceptance(20.0, 150.0) == pytest.approx(
        erfc(0.2 * (roots[2] - roots[0])), rel=1e-6
    )
    assert model.acceptance(350.0, 450.0) == plain.acceptance(350.0, 450.0)
    tuned = tuned_ladder(model, 20.0, 600.0, 0.3)
    T = np.array(tuned.ladder.temperatures)
    assert tuned.acceptance == pytest.approx(tuned.acceptance[0], abs=0.02)
    cold = T[T < 300.0]
    np.testing.assert_allclose(np.diff(np.sqrt(cold)), np.diff(np.sqrt(cold))[0], rtol=1e-3)
    # Plain exchanges alone would need many times as many.
    alone = tuned_ladder(plain, 20.0, 600.0, 0.3).ladder.temperatures
    assert len(cold) < 0.4 * sum(t < 300.0 for t in alone)
