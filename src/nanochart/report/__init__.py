"""Figures and the HTML report.

Nothing here computes and nothing elsewhere draws: results come ready, as `RunResults`. Figure
functions take arrays and results and return a :class:`matplotlib.figure.Figure`; pyplot is never
used, so no display is needed and matplotlib's settings stay as the caller has them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
