"""The section on anchored free energies: numbers where they are known, words where not."""

import re

import numpy as np

from nanochart.free_energy import joined_answers
from nanochart.report import AnchoredNumbers, build_report
from nanochart.report.page.anchored import anchored_section
from nanochart.statistics import Estimate
from nanochart.units import BOLTZMANN

T = np.array([20.0, 300.0])


def test_differences_are_in_thermal_energies_with_their_intervals(tmp_path):
    value = BOLTZMANN * T * [-5.0, -2.0]
    gap = Estimate(
        value, 0.1 * BOLTZMANN * T, value - 0.5 * BOLTZMANN * T, value + 0.5 * BOLTZMANN * T,
        np.array([True, False]), ("", "the ladder is not mixed"),
    )  # fmt: skip
    shares = {
        name: Estimate.of(s, np.full(3, 0.01), np.full(3, 99.0), np.ones(3, bool))
        for name, s in (("dh", [0.1, 0.2, 0.3]), ("ih", [0.9, 0.8, 0.7]))
    }
    harmonic = {"dh": np.array([0.1, 0.3]), "ih": np.array([0.9, 0.7])}
    hotter = np.array([400.0])
    by_ladder = Estimate.of(
        BOLTZMANN * np.array([20.0, 300.0, 400.0]) * [-5.0, -3.0, -1.0], np.full(3, 1e-3),
        np.full(3, 99.0), np.array([False, False, True]), "none"
    )  # fmt: skip
    joined = joined_answers(
        Estimate.joined([gap, Estimate.unknown(np.zeros(1), "hotter")]), by_ladder
    )
    found = AnchoredNumbers(
        T, "dh", {"ih": gap}, shares, harmonic, hotter, {"ih": by_ladder}, {"ih": joined},
        ("ih is unknown at 300 K",),
    )  # fmt: skip
    text = build_report((anchored_section(found),), tmp_path / "page.html").read_text("utf-8")
    assert "-5.00 (-5.50 to -4.50)" in text.replace("\u2212", "-")
    assert "-2.00" not in text.replace("\u2212", "-")
    assert "-3.00" not in text.replace("\u2212", "-")
    row = re.search(r"400 K.*?</tr>", text, re.DOTALL).group().replace("\u2212", "-")
    assert row.count("-1.00 (") == 2  # by the ladder and joined; the anchors do not go so far
    assert "unknown" in text
    assert "Ih is unknown at 300 K." in text
