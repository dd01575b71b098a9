"""Global optimization: the lowest minima of a system, and the lowest of each motif."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
