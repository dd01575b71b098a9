"""Interatomic potentials: Gupta with published parameters, EAM tables, and others by Protocol."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
