from .quench import QuenchResult as QuenchResult, quench as quench
