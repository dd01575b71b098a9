import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time

import ase.io
import numpy as np
import pytest
import yaml

from helpers.command import NANOCHART, nanochart, nanochart_process
from helpers.configs import small_config
from nanochart import store
from nanochart.cli.app import _ORDER
from nanochart.cli.interrupts import what_is_left


def test_help_lists_every_command():
    text = nanochart("--help").stdout
    for command in _ORDER:
        assert re.search(rf"\b{command}\b", text)


@pytest.mark.parametrize("command", _ORDER)
def test_each_command_explains_itself(command):
    assert "Usage" in nanochart(command, "--help").stdout


def test_help_starts_fast():
    nanochart_process("--help")
    times = []
    for _ in range(3):
        before = os.times()
        nanochart_process("--help")
        after = os.times()
        times.append(after.children_user + after.children_system
                     - before.children_user - before.children_system)  # fmt: skip
    # 0.5 s of a processor, however busy it is; twice that leaves room for a slower one.
    assert min(times) < 1.0


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from nanochart.cli.app import _register; _register(); "
        "print([x for x in ('numpy', 'numba', 'torch', 'matplotlib') if x in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_the_chain_from_yaml_to_report(tmp_path):
    config = small_config(tempering={"time_per_replica": 0.02}, training={"epochs": 2}).model_dump(
        mode="json"
    )
    (tmp_path / "mini.yaml").write_text(yaml.safe_dump(config))
    sampled = json.loads(
        nanochart_process("sample", "mini.yaml", "--json", "-q", cwd=tmp_path).stdout
    )
    assert sampled["frames"] == 40
    assert sampled["replicas"] == 3
    assert sampled["verdict"].startswith("The ladder is ")
    quenched = json.loads(nanochart("quench", "mini.zarr", "--json", cwd=tmp_path).stdout)
    assert quenched["unconverged"] == 0
    assert quenched["lowest_energy"] < -130.0
    trained = nanochart("train", "mini.zarr", "--json", "--bottleneck", 2, cwd=tmp_path)
    shares = json.loads(trained.stdout)["explained_variance"]
    assert {"train", "validation", "test"} <= set(shares) <= {*shares, "unseen"}
    assert "train:" in trained.stderr
    charted = json.loads(nanochart("chart", "mini.zarr", "--json", "-q", cwd=tmp_path).stdout)
    assert charted["frames"] == 120
    assert charted["dimensions"] == 2
    nanochart("report", "mini.zarr", cwd=tmp_path)
    assert (tmp_path / "mini.html").read_text("utf-8").count("<figure") > 5
    nanochart("export", "mini.zarr", "--to", "extxyz", "-o", "all.extxyz", cwd=tmp_path)
    assert (tmp_path / "all.extxyz").read_text().startswith("38\n")
    # Resuming a complete run is no error, and changes nothing.
    again = nanochart_process("sample", "mini.yaml", "--resume", "--json", "-q", cwd=tmp_path)
    assert json.loads(again.stdout) == sampled


def test_seed_on_the_command_line_decides(tmp_path):
    config = small_config(tempering={"time_per_replica": 0.002}).model_dump(mode="json")
    (tmp_path / "mini.yaml").write_text(yaml.safe_dump(config))
    energies = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        nanochart("sample", "mini.yaml", "-o", name, "--seed", seed, "-q", cwd=tmp_path)
        energies.append(store.open(tmp_path / name).to_xarray()["energy"].to_numpy())
    np.testing.assert_array_equal(energies[0], energies[1])
    assert not np.array_equal(energies[0], energies[2])


def test_a_warning_is_one_sentence(tmp_path):
    config = small_config(
        dynamics={"time_step": 25.0}, tempering={"time_per_replica": 0.001, "discard": 0.0}
    )
    (tmp_path / "long.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json")))
    done = nanochart_process("sample", "long.yaml", "-q", cwd=tmp_path)
    assert re.fullmatch(
        r"nanochart: dynamics.time_step is 25 fs, and Au bears [\d.]+ fs: averages will be off by "
        r"about [\d.]+ K at 600 K; leave it out, .*\n",
        done.stderr,
    )
    assert re.search(
        r"^time step +25 fs$", nanochart("info", tmp_path / "long.zarr").stdout, re.MULTILINE
    )


def test_presets_are_listed_and_written(tmp_path):
    listed = json.loads(nanochart("presets", "--json").stdout)
    systems = {"au90", "au147", "ag147", "cu147"}
    assert set(listed) == systems | {f"{name}-melting" for name in systems}
    nanochart("presets", "--write", "cu147", cwd=tmp_path)
    nanochart("presets", "--write", "cu147", "--published", "-o", "cu147-5fs.yaml", cwd=tmp_path)
    steps = [
        yaml.safe_load((tmp_path / f"{name}.yaml").read_text())["dynamics"]["time_step"]
        for name in ("cu147", "cu147-5fs")
    ]
    assert steps == ["auto", 5.0]
    text = (tmp_path / "cu147.yaml").read_text()
    assert "# K" in text
    refused = nanochart("presets", "--write", "cu147", cwd=tmp_path, code=1)
    assert "exists already" in refused.stderr
    assert (tmp_path / "cu147.yaml").read_text() == text


FAULTS = [
    (["sample", "none.yaml"], "there is no configuration none.yaml"),
    (["quench", "none.zarr"], "none.zarr does not exist"),
    (["train", "folder"], "is not a run"),
    (["chart", "none.zarr"], "none.zarr does not exist"),
    (["report", "none.zarr"], "none.zarr does not exist"),
    (["presets", "--write", "xx"], "ag147-melting, cu147-melting; got 'xx'"),
    (["import", "new.zarr", "none.xyz"], "none.xyz"),
    (["export", "none.zarr", "--to", "extxyz"], "none.zarr does not exist"),
]


@pytest.mark.parametrize(("arguments", "sentence"), FAULTS)
def test_a_fault_is_one_sentence_and_a_code(arguments, sentence, tmp_path):
    (tmp_path / "folder").mkdir()
    done = nanochart(*arguments, cwd=tmp_path, code=1)
    assert done.stdout == ""
    assert done.stderr.startswith("nanochart: ")
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_training_settings_are_validated(small_copy):
    done = nanochart("train", small_copy / "run.zarr", "--architecture", "huge", code=1)
    assert "architecture must be 'compact' or 'paper'; got 'huge'" in done.stderr


def test_a_foreign_model_is_refused(small_copy):
    (small_copy / "run.nanochart").write_bytes(b"not a model at all")
    done = nanochart("chart", small_copy / "run.zarr", code=1)
    assert "run.nanochart" in done.stderr


def test_an_interrupt_says_that_nothing_is_lost(tmp_path):
    config = small_config(tempering={"time_per_replica": 50.0}).model_dump(mode="json")
    (tmp_path / "mini.yaml").write_text(yaml.safe_dump(config))
    process = subprocess.Popen(
        [NANOCHART, "sample", "mini.yaml"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if (tmp_path / "mini.zarr").exists() and store.open(tmp_path / "mini.zarr").committed():
            break
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopping after this frame; once more stops at once" in errors
    assert re.search(r"stopped with \d+ of \d+ frames committed .* go on with `nanochart", errors)
    assert "mini.yaml --resume`" in errors
    assert "Traceback" not in errors
    assert store.open(tmp_path / "mini.zarr").committed() > 0


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("sample a.yaml --resume", "committed is kept: go on with `nanochart sample a.yaml --res"),
        ("bias b.yaml -o 'x y.zarr'", "go on with `nanochart bias b.yaml -o 'x y.zarr' --resume`"),
        ("quench a.zarr --again", "committed is kept: go on with `nanochart quench a.zarr`"),
        ("sample a.yaml --tune-ladder", "is as it was before: run the command again"),
        ("export a.zarr a.xyz", "is as it was before: run the command again"),
    ],
)
def test_an_interrupt_names_the_command_that_goes_on(line, sentence):
    assert sentence in what_is_left(shlex.split(line))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_training_says_so(small_copy, number, code):
    process = subprocess.Popen(
        [NANOCHART, "train", small_copy / "run.zarr",
         "--architecture", "paper", "--epochs", "100000"],  # slow, so that it is still at it
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    for line in process.stderr:
        if line.startswith("train:"):
            break
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code
    assert "interrupted; what was committed is kept: go on with `nanochart train" in errors
    assert "--epochs 100000 --resume`" in errors


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("seed: 1\nseed: 2\n", "the key 'seed' stands twice"),
        ("sede: 1\n", "sede is not a field of the configuration: did you mean seed?"),
        ("se-ed: 1\n", "se-ed is not a field of the configuration: did you mean seed?"),
        (
            "tempering: {swap-interval: 5}\n",
            "tempering.swap-interval is not a field of the configuration: did you mean swap_int",
        ),
        (
            "tempering: {swap_interval: 1.003}\n",
            r"even number of time steps of 5 fs.*nearest is 1\b",
        ),
        ("tempering: {time_per_replica: 0.0001}\n", r"must be at least one frame, .*, 0.0005"),
        ("system: {potential: none.eam}\n", "there is no file 'none.eam'"),
    ],
)
def test_a_configuration_with_a_fault_is_refused(text, sentence, tmp_path):
    fault = yaml.safe_load(text)
    if text.count("seed") == 2:
        (tmp_path / "mini.yaml").write_text(text)
    else:
        values = small_config().model_dump(mode="json")
        for section, change in fault.items():
            values[section] = {**values[section], **change} if isinstance(change, dict) else change
        (tmp_path / "mini.yaml").write_text(yaml.safe_dump(values))
    done = nanochart("sample", "mini.yaml", cwd=tmp_path, code=1)
    assert re.search(sentence, " ".join(done.stderr.split()))
    assert done.stderr.count("\n") == 1


def test_a_damaged_chunk_stops_a_resume(small_copy, tmp_path):
    config = small_config().model_dump(mode="json")
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(config))
    chunk = next(p for p in (small_copy / "run.zarr" / "positions").iterdir() if p.name[0] == "c")
    chunk.write_bytes(chunk.read_bytes()[:-1])
    arguments = ("sample", tmp_path / "run.yaml", "-o", small_copy / "run.zarr", "--resume")
    assert f"{chunk.name} is damaged" in nanochart_process(*arguments, code=1).stderr


def test_damaged_metadata_is_named(small_copy):
    (small_copy / "run.zarr" / "positions" / "zarr.json").write_text("{")
    done = nanochart("quench", small_copy / "run.zarr", "--again", code=1)
    assert re.search(r"positions/zarr.json is damaged: .* restore it", done.stderr)


def test_a_gzipped_export_is_gzip(small_copy):
    nanochart("export", small_copy / "run.zarr", "--to", "extxyz", "--every", 50,
              "-o", small_copy / "deep" / "few.extxyz.gz")  # fmt: skip
    assert len(ase.io.read(small_copy / "deep" / "few.extxyz.gz", ":")) == 6


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--pilot", "3ps"], "--target-acceptance and --pilot are for --tune-ladder"),
        (["--tune-ladder", "--time-per-replica", "1ns"], "leave --resume and --time-per-replica"),
        (["--tune-ladder", "-o", "c.zarr"], "must be a .yaml file; got --output c.zarr"),
        (["--time-per-replica", "20"], "a positive number with its unit"),
        (["--scheduler", "tcp://x"], "--scheduler and --scheduler-file need --executor dask"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options, sentence, tmp_path):
    (tmp_path / "mini.yaml").write_text(yaml.safe_dump(small_config().model_dump(mode="json")))
    assert sentence in nanochart("sample", "mini.yaml", *options, cwd=tmp_path, code=1).stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mini.yaml"]


def test_a_run_is_sampled_to_another_length_and_made_longer(tmp_path):
    config = small_config(tempering={"discard": 0.02}).model_dump(mode="json")
    (tmp_path / "mini.yaml").write_text(yaml.safe_dump(config))
    for length, frames, more in (("5ps", 10, ()), ("8ps", 16, ("--resume",))):
        made = nanochart("sample", "mini.yaml", "--time-per-replica", length, *more, "--json", "-q",
                         cwd=tmp_path)  # fmt: skip
        assert json.loads(made.stdout)["frames"] == frames
    # 5 of 50 ps: a tenth of what was to be discarded, and no more for the longer run.
    kept = store.open(tmp_path / "mini.zarr").metadata.config["tempering"]
    assert kept["discard"] == pytest.approx(0.002)


# -- how errors leave the command ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (KeyError("x"), 70, "this is a fault of nanochart (KeyError: 'x'): please report it with"),
        (IndexError("y"), 70, "this is a fault of nanochart (IndexError: y): please report"),
        (ZeroDivisionError("z"), 70, "this is a fault of nanochart (ZeroDivisionError: z): please"),
        (OverflowError("a\nb"), 70, "this is a fault of nanochart (OverflowError: a b): please"),
        (AssertionError(), 70, "this is a fault of nanochart (AssertionError:): please report it"),
        (RecursionError("deep"), 70, "this is a fault of nanochart (RecursionError: deep): please"),
        (MemoryError("of 9 TB"), 1, "there is not enough memory for this (of 9 TB)"),
        (ValueError("n must be 1; got 2"), 1, "n must be 1; got 2"),
    ],
)
def test_every_error_is_a_sentence_and_a_code(monkeypatch, capsys, error, code, sentence):
    from nanochart import store
    from nanochart.cli import main

    def fail(*_args, **_kwargs):
        raise error

    monkeypatch.setattr(store, "open", fail)
    monkeypatch.setattr(sys, "argv", ["nanochart", "info", "run.zarr"])
    monkeypatch.delenv("NANOCHART_TRACEBACK", raising=False)
    with pytest.raises(SystemExit, match=str(code)):
        main()
    assert capsys.readouterr().err.startswith(f"nanochart: {sentence}")
    monkeypatch.setenv("NANOCHART_TRACEBACK", "1")
    with pytest.raises(type(error), match=f"^{re.escape(str(error))}$"):
        main()


def test_a_name_does_not_command_the_terminal(tmp_path):
    name = "a\x1b]0;owned\x07\x1b[2J\u202eb\x9b31m.zarr"
    missing = nanochart_process("info", name, cwd=tmp_path, code=1)
    store.create(tmp_path / name, element="Au", n_atoms=13, n_frames=2, n_replicas=1)
    there = nanochart_process("info", name, cwd=tmp_path)
    for text in (missing.stderr, there.stdout):
        assert r"a\x1b]0;owned\x07\x1b[2J\u202eb\x9b31m.zarr" in text
        assert not set(text) & set("\x1b\x07\x9b\u202e")
