"""The chart of a model as compiled functions of positions: RDF, encoder, and their gradient."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
