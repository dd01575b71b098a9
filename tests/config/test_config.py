import numpy as np
import pytest
import yaml

import nanochart as nc
from helpers.configs import small_config
from nanochart.config import (
    PRESETS,
    DynamicsConfig,
    load_bias_config,
    load_config,
    nanoseconds,
    preset_text,
    training_config,
)
from nanochart.config.run import check_files
from nanochart.errors import ConfigError
from nanochart.workflow.starts import make_starts


def minimal(**sections):
    values = {
        "system": {"metal": "Au", "n_atoms": 147},
        "tempering": {"t_min": 300, "t_max": 600, "n": 4, "swap_interval": 2.0,
                      "time_per_replica": 1.0},
    }  # fmt: skip
    for name, change in sections.items():
        values[name] = {**values.get(name, {}), **change} if isinstance(change, dict) else change
    return values


def test_times_become_steps_and_rounds():
    config = load_config(minimal(tempering={"discard": 0.1}, dynamics={"time_step": 5.0}))
    assert config.steps_per_round(5.0) == 400
    assert config.n_frames == 500
    assert config.n_discarded == 50


def test_a_derived_time_step_fits_twice_into_the_exchange_interval():
    config = load_config(minimal())
    assert config.dynamics.time_step == "auto"
    for longest in (15.2, 10.7, 6.9, 1000.0, 999.9, 3000.0):
        step = config.time_step_within(longest)
        half = 1000.0 / step
        assert step <= longest
        assert half == pytest.approx(round(half), abs=1e-9)
        assert round(half) == 1 or 1000.0 / (round(half) - 1) > longest  # the longest of them
        assert config.steps_per_round(step) == 2 * round(half)
    by_hand = load_config(minimal(dynamics={"time_step": 4.0}))
    assert by_hand.time_step_within(15.0) == 4.0


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_valid_and_hold_the_published_protocol(name):
    config = load_config(yaml.safe_load(preset_text(name)))
    assert config.tempering.ladder.temperatures == PRESETS[name].temperatures
    assert f"{config.system.metal}{config.system.n_atoms}".lower() == name.split("-")[0]
    assert config.dynamics == DynamicsConfig()
    if not PRESETS[name].published:
        assert (config.tempering.time_per_replica, config.tempering.discard) == (300.0, 30.0)
        with pytest.raises(ValueError, match=f"ladder of {name} was not published: leave"):
            preset_text(name, published=True)
        return
    published = load_config(yaml.safe_load(preset_text(name, published=True)))
    # Settem et al. 2023: 5 fs, an attempt every 50,000 steps, 0.5 µs discarded.
    assert published.dynamics.time_step == 5.0
    assert published.steps_per_round(5.0) == 50_000
    assert published.tempering.discard == 500.0
    assert published == config.replaced(
        dynamics={"time_step": 5.0, "friction": 1e-3},
        tempering={"swap_interval": 250.0, "exchanges_per_frame": 1, "mapped_below": "off"},
    )


def test_published_ladders_have_their_lengths_and_ends():
    ends = {n: (len(p.temperatures), p.temperatures[0], p.temperatures[-1])
            for n, p in PRESETS.items() if p.published}  # fmt: skip
    assert ends == {
        "au90": (36, 250, 550),
        "au147": (24, 300, 600),
        "ag147": (32, 300, 800),
        "cu147": (40, 300, 900),
    }


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"system": {"metal": "Xx"}}, r"system: metal must be one of Au, Ag, Cu.*got 'Xx'"),
        ({"system": {"n_atoms": 1}}, r"system\.n_atoms \(atoms\) must be greater.* 2; got 1"),
        ({"dynamics": {"time_step": -5}}, r"dynamics\.time_step \(fs\) must be greater.*got -5"),
        ({"dynamics": {"time_step": "5 fs"}}, r"time_step: must be a number \(fs\), or auto; got"),
        ({"dynamics": {"timestep": 5}}, r"dynamics\.timestep is not a field"),
        (
            {
                "tempering": {
                    "temperatures": [300, 310, 305],
                    "t_min": None,
                    "t_max": None,
                    "n": None,
                }
            },
            r"tempering: the temperatures of a ladder must rise; got 310 K followed by 305 K",
        ),
        ({"tempering": {"temperatures": [300, 310]}}, r"give either temperatures \(K\), or t_min"),
        ({"tempering": {"n": None}}, r"needs all of t_min \(K\), t_max \(K\) and n"),
        ({"tempering": {"swap_interval": "often"}}, r"swap_interval \(ps\) must be.*got 'often'"),
        ({"dynamics": {"time_step": 0.005}}, r"time_step \(fs\) must be greater.*0.05; got 0.005"),
        (
            {"tempering": {"n": 10_000}},
            r"tempering\.n \(temperatures\) must be less .*got 10000",
        ),
        (
            {"tempering": {"time_per_replica": 1e300}},
            r"time_per_replica \(ns\) must be less.*e\+300",
        ),
        ({"tempering": {"t_max": 20_000}}, r"t_max \(K\) must be less than or equal to 10000; got"),
        ({"rdf": {"sigma": 1e-320}}, r"rdf\.sigma \(Å\) must be greater.*0.001; got"),
        ({"starts": []}, r"starts must name at least one motif"),
        ({"rdf": {"r_min": 2.0}}, r"rdf: give all of r_min \(Å\), r_max \(Å\) and n_bins"),
        ({"training": {"bottleneck": 0}}, r"training\.bottleneck must be.*got 0"),
        ({"seed": -1}, r"seed must be.*got -1"),
    ],
)
def test_each_wrong_field_is_named_with_path_unit_and_value(change, sentence):
    with pytest.raises(ConfigError, match=sentence):
        load_config(minimal(**change))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"starts": ["icosaeder"]}, r"starts must be a motif .*got 'icosaeder'.*no such file in"),
        ({"system": {"potential": "none.eam"}}, r"there is no file 'none.eam' in "),
    ],
)
def test_files_are_asked_for_when_a_users_file_is_read_and_not_when_it_is_parsed(
    change, sentence, tmp_path
):
    values = minimal(**change)
    config = load_config(values)
    with pytest.raises(ConfigError, match=sentence):
        check_files(config)
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(values))
    with pytest.raises(ConfigError, match=rf"run.yaml: .*{sentence}"):
        load_config(tmp_path / "run.yaml")


def test_paths_become_absolute_from_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "mine.xyz").write_text("")
    (tmp_path / "gold.eam").write_text("")
    (tmp_path / "run.yaml").write_text(
        yaml.safe_dump(minimal(starts=["twin", "mine.xyz"], system={"potential": "gold.eam"}))
    )
    monkeypatch.chdir(tmp_path)
    config = load_config("run.yaml")
    assert config.starts == ("twin", str(tmp_path / "mine.xyz"))
    assert config.system.potential == str(tmp_path / "gold.eam")


def test_a_missing_section_is_named():
    with pytest.raises(ConfigError, match=r"tempering is missing"):
        load_config({"system": {"metal": "Au", "n_atoms": 147}})


def test_all_faults_are_told_at_once():
    with pytest.raises(ConfigError, match=r"n_atoms.*;.*time_step"):
        load_config(minimal(system={"n_atoms": 0}, dynamics={"time_step": 0}))


def test_a_missing_file_names_the_remedy(tmp_path):
    with pytest.raises(ConfigError, match=r"no configuration .*presets --write au147"):
        load_config(tmp_path / "none.yaml")


def test_broken_yaml_is_one_sentence(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text("system: {metal: Au\nstarts: ]")
    with pytest.raises(ConfigError, match=r"broken.yaml is not valid YAML") as caught:
        load_config(path)
    assert "\n" not in str(caught.value)


def test_a_biased_run_is_read_from_a_dictionary(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    values = {
        "run": "a.zarr",
        "temperature": 300,
        "variables": ["s1"],
        "time": 1.0,
        "opes": {"barrier": 0.5},
    }
    config = load_bias_config(values)
    assert config.run == str(tmp_path / "a.zarr")
    with pytest.raises(ConfigError, match=r"the configuration: temperature .* got 'hot'"):
        load_bias_config({**values, "temperature": "hot"})


def test_yaml_cannot_run_code(tmp_path):
    path = tmp_path / "evil.yaml"
    path.write_text("!!python/object/apply:os.system ['touch " + str(tmp_path / "ran") + "']")
    with pytest.raises(ConfigError, match=r"not valid YAML"):
        load_config(path)
    assert not (tmp_path / "ran").exists()


def test_replacing_nested_values_validates():
    assert small_config(seed=9).seed == 9
    with pytest.raises(ConfigError, match=r"time_step"):
        small_config(dynamics={"time_step": -1})


@pytest.mark.parametrize(
    ("text", "value"),
    [("20ns", 20.0), ("500 ps", 0.5), ("1.5us", 1500.0), ("2 µs", 2000.0), ("1e3fs", 1e-3)],
)
def test_times_have_units(text, value):
    assert nanoseconds(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["20", "ns", "-1ns", "1 h", "1e999ns", "--ns", "1e300ns"])
def test_a_time_without_a_unit_is_refused(text):
    with pytest.raises(ConfigError, match=r"positive number with its unit \(fs, ps, ns"):
        nanoseconds(text)


def test_a_scaled_protocol_keeps_the_share_that_is_discarded():
    published = load_config(yaml.safe_load(preset_text("au147")))
    short = published.scaled(20.0)
    assert (short.tempering.time_per_replica, short.tempering.discard) == (20.0, 10.0)
    assert short == load_config(yaml.safe_load(preset_text("au147", 20.0)))


def test_the_best_start_is_the_motif_of_lowest_energy():
    config = load_config(
        {
            "system": {"metal": "Au", "n_atoms": 147},
            "starts": ["best"],
            "tempering": {"temperatures": [300], "swap_interval": 1, "time_per_replica": 1},
        }
    )
    gold = nc.potentials.gupta("Au")
    # The decahedron, published as the global minimum of this potential.
    assert gold.energy(make_starts(config, gold).positions[0]) == pytest.approx(-532.7674, abs=2e-4)


def test_a_barrier_in_another_unit_is_told(tmp_path):
    values = {"run": "r.zarr", "temperature": 400, "variables": ["s1"], "time": 1.0}
    (tmp_path / "bias.yaml").write_text(yaml.safe_dump({**values, "opes": {"barrier": 30}}))
    with pytest.raises(ConfigError, match=r"opes: barrier \(eV\).*got 30: 30 kJ/mol are 0.311 eV"):
        load_bias_config(tmp_path / "bias.yaml")


# -- files that no one can mean -----------------------------------------------------------------


def bombs():
    yield "timestamp", "a: !!timestamp x", "tags are not taken"
    yield "int", "a: !!int ''", "tags are not taken"
    yield "bool", "a: !!bool maybe", "tags are not taken"
    yield "local", "a: !x 1", "tags are not taken"
    nested = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    nested += [f"a{k}: &a{k} [{','.join([f'*a{k - 1}'] * 10)}]" for k in range(1, 11)]
    yield "aliases", "\n".join(nested), "unfolds to more than 100,000 values"
    yield "itself", "a: &a [*a]", "nested deeper than 32 levels"
    merged = ["a0: &a0 {x: 1}"]
    merged += [f"a{k}: &a{k} {{<<: [{','.join([f'*a{k - 1}'] * 10)}]}}" for k in range(1, 9)]
    yield "merged", "\n".join(merged), "a key must be a word"
    yield "deep", "[" * 50_000, "nested deeper than 32 levels"
    yield "long", "a: " + "x" * 300_000, "longer than 200,000 characters"
    yield "long word", "a: " + "b" * 1_001, "1,000 characters at most; got 1,001 in line 1"
    yield "twice", "a: 1\na: 2", "the key 'a' stands twice"
    yield "no word", "? [a, b]\n: 1", "a key must be a word"


@pytest.mark.parametrize(
    ("content", "message"), [pytest.param(c, m, id=name) for name, c, m in bombs()]
)
@pytest.mark.parametrize("load", [load_config, load_bias_config])
def test_yaml_is_plain_and_of_bounded_size(tmp_path, content, message, load):
    (tmp_path / "c.yaml").write_text(content)
    with pytest.raises(ConfigError, match=f"c.yaml is not valid YAML: .*{message}") as caught:
        load(tmp_path / "c.yaml")
    assert len(str(caught.value)) < 600


def test_numbers_and_words_of_yaml(tmp_path):
    from nanochart.config.plain_yaml import read_yaml

    text = "a: 012\nb: 1e3\nc: .5\nd: 1:30\ne: '7'\nf: no\ng: true\nh: ~\ni: 2001-99-99\nj: -2."
    (tmp_path / "c.yaml").write_text(text + "\nk: &x {y: [1]}\nl: *x")
    assert read_yaml(tmp_path / "c.yaml", "") == {
        "a": 12, "b": 1000.0, "c": 0.5, "d": "1:30", "e": "7", "f": "no", "g": True, "h": None,
        "i": "2001-99-99", "j": -2.0, "k": {"y": [1]}, "l": {"y": [1]},
    }  # fmt: skip


BIASED = {"run": "r.zarr", "temperature": 400, "variables": ["s1"], "time": 1.0}
LINE = {"along": ["a", "b"], "windows": 5, "stiffness": 1.0}
WALL = {"variable": "s1", "at": 0.0, "stiffness": 1.0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"walls": [{**WALL, "stifness": 1}]}, r"walls.0.stifness is not a .* mean stiffness\?"),
        ({"walls": [{**WALL, "stiffness": "x"}]}, r"walls.0.stiffness \(eV per unit²\) "),
        ({"umbrella": {**LINE, "along": [{"x": 1}, "b"]}}, r"umbrella.along.0.*valid string"),
        ({"umbrella": {**LINE, "windows": 10**9}}, r"umbrella.windows.* must be less than"),
        ({"umbrella": {"low": [0], "high": [1], "shape": [1000, 1000], "stiffness": 1}},
         r"umbrella: shape must give at most 10,000 windows"),
        ({"umbrella": {"low": [0], "high": [1], "shape": [-3, -3], "stiffness": 1}},
         r"umbrella.shape.0 "),
        ({"umbrella": {**LINE, "stiffness": 0.0}}, r"umbrella.stiffness.*greater than 0"),
        ({"umbrella": {**LINE, "stiffness": [1e300]}}, r"umbrella.stiffness.*less than"),
        ({"walkers": 10**9}, r"walkers \(walkers\) must be less than or equal"),
        ({"temperature": 1e300}, r"temperature \(K\) must be less than or equal"),
        ({"time": 1e300}, r"time \(ns\) must be less than or equal"),
        ({"pace": 1e300}, r"pace \(ps\) must be less than or equal"),
        ({"stride": 10**12}, r"stride \(fs\) must be less than or equal"),
        ({"stride": 40.0, "pace": 0.1}, r"pace \(ps\) must be a multiple of stride, 40 fs"),
        ({"stride": 12.0, "dynamics": {"time_step": 5}},
         r"stride \(fs\) must be a multiple of dynamics.time_step, 5 fs; got 12"),
        ({"metadynamics": {"height": 1e300}}, r"metadynamics.height \(eV\) must be less than or"),
        ({"metadynamics": {"bias_factor": 1e300}}, r"metadynamics.bias_factor must be less than"),
        ({"metadynamics": {"sigma": [0.0]}}, r"metadynamics.sigma.0 must be greater than 0"),
        ({"opes": {"barrier": 1.0, "sigma": [-1.0]}}, r"opes.sigma.0 must be greater than 0"),
        ({"guard": {"stiffness": 1e300}}, r"guard.stiffness .* must be less than or equal"),
        ({"guard": {"reach": 1e300}}, r"guard.reach .* must be less than or equal"),
        ({"variables": [f"s{k}" for k in range(1, 99)]}, r"variables .*at most 8 items"),
        ({"stop": {"between": ["a", "a"]}}, r"stop: between must name two families; got 'a' twice"),
        ({"stop": {"between": ["a", "b"], "every": 10**30}}, r"stop.every .* must be less than"),
        ({"seed": 10**30}, r"seed must be less than"),
        ({"low": [float("inf")]}, r"low.0 must be a finite number"),
    ],
)  # fmt: skip
def test_what_no_biased_run_can_mean_is_told(tmp_path, change, message):
    (tmp_path / "b.yaml").write_text(yaml.safe_dump({**BIASED, **change}))
    with pytest.raises(ConfigError, match=message):
        load_bias_config(tmp_path / "b.yaml")


@pytest.mark.parametrize("longest", [15.2, 10.7, 6.9, 31.0, 40.0, 2600.0])
@pytest.mark.parametrize("stride", [None, 50.0])
def test_a_derived_time_step_fits_into_the_stride_and_that_into_the_pace(longest, stride):
    config = load_bias_config({**BIASED, "run": "x.zarr", "stride": stride})
    step = config.time_step_within(longest)
    strides = config.strides(step)
    assert step <= longest
    assert config.steps_per_round(step) * step == pytest.approx(1000.0 * config.pace)
    assert all(config.steps_per_round(step) % n == 0 for n in strides)
    if stride is not None:
        assert [n * step for n in strides] == [pytest.approx(stride)]
    elif longest < 32.0:  # as long as it is to be, without much of the step lost
        assert 16.0 < strides[0] * step <= 32.0
        assert step > 0.98 * longest


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 10**30}, r"training.epochs must be less than or equal"),
        ({"batch_size": 10**30}, r"training.batch_size must be less than or equal"),
        ({"learning_rate": 1e300}, r"training.learning_rate must be less than or equal"),
        ({"isometry": 1e300}, r"training.isometry must be less than or equal"),
        ({"halving_epochs": [-1]}, r"training.halving_epochs.0 must be greater than"),
        ({"patience": 10**30}, r"training.patience must be less than or equal"),
        ({"max_seconds": 1e300}, r"training.max_seconds must be less than or equal"),
        ({"seed": 10**30}, r"training.seed must be less than"),
    ],
)
def test_what_no_training_can_mean_is_told(change, message):
    with pytest.raises(ConfigError, match=message):
        small_config(training={"epochs": 4, **change})


def test_the_settings_of_a_recipe_stay_with_its_architecture():
    base = nc.autoencoder.TrainingConfig(epochs=7, bottleneck=2, max_seconds=60.0)
    assert training_config(base, {"architecture": "compact", "seed": 3}).epochs == 7
    other = training_config(base, {"architecture": "paper", "averaging": 0.5})
    published = nc.autoencoder.TrainingConfig(architecture="paper")
    # What was asked otherwise than the recipe stays; the rest is the new recipe's.
    assert (other.epochs, other.schedule) == (7, published.schedule)
    assert (other.averaging, other.bottleneck, other.max_seconds) == (0.5, 2, 60.0)


def test_a_preset_goes_down_to_a_cold_temperature():
    text = preset_text("au147", coldest=20)
    ladder = load_config(yaml.safe_load(text)).tempering.ladder.temperatures
    assert ladder[0] == 20
    assert ladder[6:] == PRESETS["au147"].temperatures
    assert "# and below it 6 for mapped exchanges" in text
    steps = np.diff(np.sqrt(ladder[:7]))
    assert steps.max() < 2.3
    with pytest.raises(ValueError, match="below its ladder, 300; got 400"):
        preset_text("au147", coldest=400)


def test_a_published_preset_has_no_colder_temperatures():
    with pytest.raises(ValueError, match="published ladder has no colder temperatures"):
        preset_text("cu147", coldest=20, published=True)


@pytest.mark.parametrize(("written", "read"), [("off", "off"), ("auto", "auto"), ("350", 350.0)])
def test_mapped_below_is_a_word_or_a_temperature(written, read):
    text = f"{{t_min: 300, t_max: 600, n: 3, time_per_replica: 1, mapped_below: {written}}}"
    section = load_config(minimal() | {"tempering": yaml.safe_load(text)}).tempering
    assert section.mapped_below == read
    assert section.swap_interval == 5.0


def test_another_word_for_mapped_below_is_one_sentence():
    with pytest.raises(ConfigError, match=r"tempering\.mapped_below \(K\) .*got 'never'"):
        load_config(minimal(tempering={"mapped_below": "never"}))
