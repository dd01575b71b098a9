from .chart import CompiledChart as CompiledChart
from .kernels_chart import ChartTables as ChartTables, make_chart_workspace as make_chart_workspace
from .kernels_encoder import decode_slope as decode_slope, encode_bins as encode_bins
from .kernels_rdf import rdf_gradient as rdf_gradient, rdf_values as rdf_values
from .source import chart_source as chart_source
from .tables import compile_chart as compile_chart, rdf_tables as rdf_tables
