"""Statistical errors: correlation, blocks, weights, MBAR and estimates with intervals.

Which series are independent of each other is said once, in `Weighted`; blocks, variances and
degrees of freedom follow from it, for every mean, population, ratio and surface of the package.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
