"""What a training is said to have come to: one sentence, the same wherever it is told."""

import dataclasses
import json
import math

import pytest

import nanochart as nc
from helpers.command import nanochart
from nanochart.autoencoder import History, judge


@pytest.mark.parametrize(
    ("shares", "level", "basis", "words"),
    [
        ({"train": 0.98, "test": 0.97, "unseen": 0.93}, "good", "unseen", "explains 93 %"),
        ({"train": 0.97, "validation": 0.97, "test": 0.96}, "good", "test", "of the test frames"),
        ({"train": 0.96, "test": 0.95, "unseen": 0.7}, "coarse", "unseen", "sample longer"),
        ({"train": 0.97, "test": 0.6, "unseen": -0.33}, "unusable", "unseen", "explains −33 %"),
        ({"train": 0.2, "test": 0.18}, "unusable", "test", "train for more epochs"),
        ({}, "unknown", "none", "unknown"),
    ],
)
def test_the_hardest_part_decides(shares, level, basis, words):
    found = judge(shares)
    assert (found.level, found.basis) == (level, basis)
    assert words in found.sentence
    assert found.usable == (level in {"good", "coarse"})
    if shares:
        assert found.value == shares[basis]
        assert "good from 90 %, usable from 60 %" in found.sentence
    else:
        assert math.isnan(found.value)


def test_a_history_knows_its_verdict_and_saves_as_before():
    history = History(explained_variance={"test": 0.95})
    assert history.verdict == judge({"test": 0.95})
    assert set(history.to_dict()) == {f.name for f in dataclasses.fields(History)}


@pytest.mark.usefixtures("undrawn")
def test_the_command_and_the_report_say_the_same_sentence(small_copy):
    path = small_copy / "run.zarr"
    told = nanochart("train", path, "--epochs", 1, "--quiet")
    assert told.returncode == 0, told.stderr
    model = nc.autoencoder.load(small_copy / "run.nanochart")
    verdict = model.history.verdict
    assert verdict.basis == "unseen"  # the headline is the honest number
    assert verdict.sentence in told.stdout.replace("\n", " ")
    assert ("next: nanochart chart" in told.stdout) == verdict.usable
    printed = json.loads(nanochart("train", path, "--epochs", 1, "--quiet", "--json").stdout)
    assert printed["verdict"]["sentence"] == verdict.sentence
    nc.workflow.chart_run(nc.store.open(path, mode="a"), model)
    assert nanochart("report", path, "--quiet").returncode == 0
    page = path.with_suffix(".html").read_text(encoding="utf-8")
    assert verdict.sentence in page
    assert f"{100 * verdict.value:.1f} %" in page
