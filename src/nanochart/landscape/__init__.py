"""The landscape of structures in a chart: families, distinct minima, tracks, quality measures."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
