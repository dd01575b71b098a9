"""`nanochart doctor`: an installation that works says so, a part that does not is named."""

import json

import numpy as np
import pytest

from helpers.command import nanochart
from nanochart.workflow import diagnose, doctor as module


@pytest.fixture(scope="module")
def found():
    return diagnose()


def test_all_parts_of_this_installation_are_well(found):
    assert found.healthy, [check for check in found.checks if not check.passed]
    assert {check.name for check in found.checks} == set(module._PARTS)
    assert found.versions["nanochart"]
    assert "distributed" in found.extras


def test_wrong_forces_do_not_pass(monkeypatch):
    kind = type(module.gupta("Au"))
    own = kind.energy_forces

    def scaled(self, positions):
        energy, forces = own(self, positions)
        return energy, 1.01 * forces

    monkeypatch.setattr(kind, "energy_forces", scaled)
    assert not module._tried("potential", module._forces).passed


def test_wrong_gradients_do_not_pass(monkeypatch):
    own = module.RDF.vjp
    monkeypatch.setattr(module.RDF, "vjp", lambda self, x, w: 1.01 * own(self, x, w))
    assert not module._tried("descriptors", module._descriptors).passed


def test_a_part_that_raises_is_named_and_the_code_is_1(monkeypatch):
    monkeypatch.setattr(module, "_PARTS", {"chart": lambda: 1 / 0})
    done = nanochart("doctor", "-q", "--json", code=1)
    told = json.loads(done.stdout)
    assert told["healthy"] is False
    assert told["checks"][0]["found"].startswith("ZeroDivisionError")
    assert "what fails: chart" in nanochart("doctor", "-q", code=1).stdout


def test_segments_that_differ_are_seen(monkeypatch):
    rng = np.random.default_rng(0)
    own = module.run_segment

    def differing(state, *rest):
        after, samples = own(state, *rest)
        after.positions[:] += rng.normal(0.0, 1e-9, after.positions.shape)
        return after, samples

    monkeypatch.setattr(module, "run_segment", differing)
    assert not module._tried("dynamics", module._dynamics).passed
