"""Minimization of the energy: from a thermal configuration to its inherent structure."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
