"""The stages joined to the store, one module per command; Python callers use them, too."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
