"""What a user sees who types a name: short results, and the names that a package offers."""

import dataclasses
import importlib
import re

import numpy as np
import pytest

import nanochart as nc
from nanochart.shown import counted, few, short_repr

PACKAGES = [name for name in dir(nc) if hasattr(getattr(nc, name), "__path__")]
ARRAY = re.compile(r"NDArray|Floats|Ints|Bools|ndarray")


def public_dataclasses():
    found = {}
    for package in PACKAGES:
        module = getattr(nc, package)
        for name in dir(module):
            thing = getattr(module, name)
            if isinstance(thing, type) and dataclasses.is_dataclass(thing):
                found[f"{package}.{name}"] = thing
    return found


def test_every_result_with_arrays_shows_their_shapes():
    long = [
        name
        for name, cls in public_dataclasses().items()
        if any(f.repr and ARRAY.search(str(f.type)) for f in dataclasses.fields(cls))
        and cls.__repr__.__module__ != "nanochart.shown"
    ]
    assert not long


def test_models_histories_and_estimates_are_one_line():
    for cls in (nc.autoencoder.Model, nc.autoencoder.History, nc.statistics.Estimate):
        assert cls.__repr__.__module__ == "nanochart.shown"
    unknown = nc.statistics.Estimate.unknown(np.zeros(500), "too short")
    assert "value=float64 (500,)" in repr(unknown)
    assert len(repr(unknown)) < 400


@short_repr
@dataclasses.dataclass(frozen=True, eq=False)
class Result:
    points: np.ndarray
    parts: tuple
    table: dict
    note: str
    value: float = 0.1 + 0.2


def test_a_result_is_one_line_whatever_it_holds():
    inner = Result(np.zeros(3), (), {}, "")
    text = repr(Result(np.zeros((400, 3)), (inner,) * 5, {"a": np.zeros(9)}, "x" * 900))
    assert text.startswith("Result(points=float64 (400, 3), parts=tuple of 5 Result, table=dict of")
    assert text.endswith("value=0.3)")
    assert "\n" not in text
    assert len(text) < 300
    assert "parts=(1, 2), table={'a': 1}, note='b'" in repr(
        Result(np.zeros(1), (1, 2), {"a": 1}, "b")
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_tab_completion_knows_what_a_package_offers(package):
    module = importlib.import_module(f"nanochart.{package}")
    offered = set(getattr(module, "__all__", ()))
    assert offered <= set(dir(module))
    assert [name for name in dir(module) if not name.startswith("_")]


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0 frames"), (1, "1 frame"), (1.0, "1 frame"), (123_456, "123456 frames"),
     (0.1454, "0.145 frames"), (2.5, "2.5 frames"), (123.4, "123 frames"), (np.inf, "inf frames")],
)  # fmt: skip
def test_a_number_is_said_with_its_noun_and_three_digits_where_it_is_small(number, said):
    assert counted(number, "frame") == said


def test_of_many_or_long_words_of_a_file_few_are_shown():
    assert few(["Au", "Ag"]) == "Au, Ag"
    assert few([str(k) for k in range(15)], " ") == "0 1 2 3 4 5 6 7 8 9 10 11 and 3 more"
    assert len(few(["x" * 50_000])) == 41
