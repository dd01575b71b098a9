"""The chart as a compiled collective variable, and the methods that bias dynamics along it."""

from nanochart.biasing._chart_tables import compile_chart
from nanochart.biasing._compiled_chart import CompiledChart

__all__ = ["CompiledChart", "compile_chart"]
