"""What is asked of the families of a chart."""

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["FamiliesConfig"]


class FamiliesConfig(BaseModel):
    """Settings of the clustering of a chart.

    Attributes
    ----------
    size
        The fewest points of the sample that make a family, by HDBSCAN (Campello et al. 2013). None
        takes that which gives the most families that fits to random four fifths of the sample
        agree on, their mean adjusted Rand index being at least ``agreement`` (Ben-Hur et al. 2002).
    agreement
        Mean adjusted Rand index that counts as stable.
    n_resamples
        Number of random parts that are fitted, each pair of which is compared.
    n_fit
        Largest number of points of the sample.
    tolerance
        Difference of energy in eV within which frames of one shape are the same minimum.
    shape_tolerance
        Difference of each principal radius of gyration in Å within which frames of one energy are
        the same minimum.
    smallest
        Number of frames below which a family is counted as noise.
    refine
        Whether a family is split again where a clustering of its members alone is stable.
    seed
        Seed of the sample, of its parts and of the mixture.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int | None = Field(default=None, ge=2)
    agreement: float = Field(default=0.8, gt=0.0, le=1.0)
    n_resamples: int = Field(default=4, ge=2, le=50)
    n_fit: int = Field(default=10_000, ge=100, le=1_000_000)
    tolerance: float = Field(default=1e-4, gt=0.0, allow_inf_nan=False)
    shape_tolerance: float = Field(default=5e-3, gt=0.0, allow_inf_nan=False)
    smallest: int = Field(default=10, ge=1, le=1_000_000_000)
    refine: bool = True
    seed: int = Field(default=0, ge=0, lt=2**63)
