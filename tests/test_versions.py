"""Versions that are pinned and stated once, and what is run of them."""

import os
import re

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import nanochart
from helpers.repository import ROOT, project


def test_constraints_pin_everything_that_is_asked_for_within_its_range():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and line[0] != "#")
    pins = {canonicalize_name(name): Version(pin) for name, pin in pins.items()}
    lists = [project()["dependencies"], *project()["optional-dependencies"].values()]
    asked = [Requirement(r) for requirements in lists for r in requirements]
    missing = Version("0")
    outside = [
        str(r) for r in asked if pins.get(canonicalize_name(r.name), missing) not in r.specifier
    ]
    assert not outside
    assert not [pin for pin in pins.values() if pin.local], "a local build cannot be installed"


def test_make_setup_installs_every_extra():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (extras,) = re.findall(r"^EXTRAS := (\S+)", makefile, re.MULTILINE)
    assert set(extras.split(",")) == set(project()["optional-dependencies"])


def test_version_is_the_same_everywhere():
    version = project()["version"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert str(citation["version"]) == version
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert nanochart.__version__ == version


def test_citation_names_the_two_papers():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    required = {"cff-version", "message", "title", "authors"}
    assert required <= set(citation)
    assert [r["title"] for r in citation["references"]] == [
        "Charting nanocluster structures via convolutional neural networks",
        "Inherent structural descriptors via machine learning",
    ]
    assert citation["license"] == project()["license"] == "BSD-3-Clause"


def test_continuous_integration_is_executable_and_runs_the_suite():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text().rstrip().endswith("make test")
