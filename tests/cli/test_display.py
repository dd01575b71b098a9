"""Progress on a terminal of 80 columns and in a log."""

import io
import sys

from nanochart.cli.display import COMMAND, _Lines, show_progress

NOTE = "equilibrating, acceptance 64%, lowest 40% at 520-530 K, and as much again of other things"


class _Terminal(io.StringIO):
    def isatty(self):
        return True


def drawn(monkeypatch, command, *reports):
    """What a terminal of 80 columns is sent."""
    screen = _Terminal()
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", screen)
    token = COMMAND.set(command)
    try:
        with show_progress(quiet=False) as progress:
            for report in reports:
                progress(*report)
    finally:
        COMMAND.reset(token)
    return screen.getvalue()


def test_a_note_is_whole_on_a_terminal_of_80_columns(monkeypatch):
    text = drawn(monkeypatch, "sample", ("sample", 0, 1800), ("sample", 739, 1800, NOTE))
    words = " ".join(text.split())
    assert "739/1800" in words
    assert "…" not in text
    assert all(word in words for word in NOTE.split())


def test_a_stage_of_another_name_stands_behind_its_command(monkeypatch):
    text = drawn(monkeypatch, "fes", ("quench", 1, 10), ("fes", 1, 4))
    assert "fes: quench" in text
    assert "fes: fes" not in text


def test_where_nobody_knows_the_end_none_is_shown(monkeypatch, capsys):
    assert "inf" not in drawn(monkeypatch, "import", ("import", 201, float("inf")))
    monkeypatch.undo()
    lines = _Lines(interval=0.0)
    lines("track", 100, float("inf"))
    lines("track", 201, float("inf"))
    first, second = capsys.readouterr().err.splitlines()
    assert first == "track: 100"
    assert second == "track: 201, 0 s"


def test_large_counts_are_written_out(capsys):
    _Lines(interval=0.0)("explore", 1_234_567, 2_000_000)
    assert capsys.readouterr().err.startswith("explore: 1234567/2000000")


def test_a_stage_that_comes_again_is_timed_anew(capsys):
    lines = _Lines(interval=0.0)
    lines("quench", 0, 10)
    lines("quench", 10, 10)
    lines.started["other"] = (0.0, 0.0)
    lines("quench", 0, 10)
    assert capsys.readouterr().err.splitlines()[-1] == "quench: 0/10"
    assert lines.started["quench"][1] == 0
