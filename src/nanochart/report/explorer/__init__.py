"""The explorer: a chart and its structures, linked, on one page."""
