"""The chart of a model as compiled functions of positions: RDF, encoder, and their gradient."""

from nanochart.compiled_chart.chart import CompiledChart
from nanochart.compiled_chart.kernels_chart import ChartTables
from nanochart.compiled_chart.tables import compile_chart, rdf_tables

__all__ = ["ChartTables", "CompiledChart", "compile_chart", "rdf_tables"]
