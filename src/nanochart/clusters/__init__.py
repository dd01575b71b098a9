"""Starting structures: clusters of every motif and size, and the sphere that confines them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
