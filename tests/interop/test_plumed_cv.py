"""`nanochart export --to plumed-cv`: what the file says, and what a stranger's model cannot say."""

import re
import shutil

import numpy as np
import pytest

import nanochart
from helpers.command import nanochart as command
from helpers.cplusplus import compiled, evaluate
from helpers.models import untrained
from nanochart.errors import ModelError
from nanochart.interop import export_plumed_cv


def exported(model, folder):
    export_plumed_cv(model, folder / "chart.cpp")
    return (folder / "chart.cpp").read_text(encoding="utf-8")


def test_the_file_says_what_it_is_and_how_it_is_used(tmp_path):
    model = untrained(lengths={"Au": 2.88, "Cu": 2.56})
    text = exported(model, tmp_path)
    head = text.partition("#include")[0]
    for said in (
        "Au147 and Cu147", model.fingerprint, "compact, 3 coordinates", nanochart.__version__,
        "target        inherent", "1.8 to 19 angstrom", "340 bins, bandwidth 0.2",
        "LOAD FILE=chart.cpp", "chart: NANOCHART ATOMS=1-147 ELEMENT=Cu", "No quench is done",
        "ARG=chart.s1,chart.s2,chart.s3", "NOPBC",
    ):  # fmt: skip
        assert said in head
    assert f'{{"Au", 1.0}}, {{"Cu", {2.88 / 2.56!r}}}' in text
    assert exported(model, tmp_path) == text


def test_a_chart_of_the_target_self_is_described_as_one(tmp_path):
    model = untrained()
    settings = model.config.model_copy(update={"target": "self"})
    object.__setattr__(model, "config", settings)
    head = exported(model, tmp_path).partition("#include")[0]
    assert "target        self" in head
    assert "quench" not in head


@pytest.mark.parametrize(
    "name",
    ['Au"; int evil; //', "Au\nint evil;", "Au*/ int evil; /*", "Au\\", "Au??/\nint evil;",
     "Au\u2028int evil;", 'Au", 1.0}}; int evil; Metal x[] = {{"'],
)  # fmt: skip
def test_words_of_a_model_file_cannot_become_code(name, tmp_path):
    model = untrained(n_bins=64, bottleneck=1, n_atoms=3)
    plain = exported(model, tmp_path)
    object.__setattr__(model, "element", name)
    object.__setattr__(model, "lengths", {name: 2.88, f"{name}2": 2.56})
    model.provenance["runs"] = [name]
    text = exported(model, tmp_path)
    # Words are in comments, each in one line, and in strings, and nothing else of them is.
    code = re.sub(r"^//.*$", "", text, flags=re.MULTILINE)
    outside = re.sub(r'"[^"\n]*"', '""', code)
    assert "evil" not in outside
    known = re.sub(r"^//.*$", "", plain, flags=re.MULTILINE)
    assert outside.count(";") == re.sub(r'"[^"\n]*"', '""', known).count(";")
    assert all(ord(letter) < 128 for letter in text)


def test_the_whole_file_compiles_without_plumed(tmp_path):
    model = untrained(n_bins=64, bottleneck=2, n_atoms=38)
    function = compiled(exported(model, tmp_path), tmp_path)
    x = nanochart.clusters.build("octahedron", "Au", 38).positions[None]
    s, _, _ = evaluate(function, x, 2)
    np.testing.assert_allclose(s, model.encode(x), rtol=0, atol=1e-12)


def test_the_command_takes_a_model_or_a_run(charted, tmp_path):
    folder = tmp_path / "runs"
    shutil.copytree(charted, folder)
    run = next(folder.glob("*.zarr"))
    chart = run.with_suffix(".nanochart")
    done = command("export", chart, "--to", "plumed-cv", "-o", tmp_path / "a.cpp")
    assert "LOAD FILE=a.cpp in PLUMED's input, then chart: NANOCHART ATOMS=1-38" in done.stdout
    command("export", run, "--to", "plumed-cv")
    assert run.with_suffix(".cpp").read_text() == (tmp_path / "a.cpp").read_text()


@pytest.mark.parametrize(
    ("name", "to", "sentence"),
    [
        ("none.nanochart", "plumed-cv", "none.nanochart"),
        ("text.nanochart", "plumed-cv", "text.nanochart"),
        ("text.nanochart", "extxyz", "text.nanochart is not a run"),
    ],
)
def test_what_is_no_model_is_one_sentence(name, to, sentence, tmp_path):
    (tmp_path / "text.nanochart").write_text("int main() {}")
    done = command("export", name, "--to", to, cwd=tmp_path, code=1)
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert list(tmp_path.glob("*.cpp")) == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("-o", "chart.nanochart"), "must end in .cpp, by which PLUMED knows"),
        (("--every", "2"), "--structures and --every choose configurations"),
        (("--structures", "inherent"), "--structures and --every choose configurations"),
    ],
)
def test_options_that_do_not_fit_are_one_sentence(options, sentence, tmp_path):
    untrained(n_bins=64, bottleneck=1, n_atoms=3).save(tmp_path / "chart.nanochart")
    before = (tmp_path / "chart.nanochart").read_bytes()
    done = command("export", "chart.nanochart", "--to", "plumed-cv", *options, cwd=tmp_path, code=1)
    assert sentence in done.stderr
    assert (tmp_path / "chart.nanochart").read_bytes() == before
    assert list(tmp_path.glob("*.cpp")) == []


def test_a_model_of_too_many_atoms_is_one_sentence(tmp_path):
    with pytest.raises(
        ModelError, match="all pairs of at most 30,000 atoms; got a model of 60,000"
    ):
        export_plumed_cv(untrained(n_bins=64, n_atoms=60_000), tmp_path / "chart.cpp")
