"""What is asked of the families of a chart."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["FamiliesConfig"]

_KNOBS = {"meanshift": "bandwidth", "hdbscan": "size", "mixture": "number"}


class FamiliesConfig(BaseModel):
    """Settings of the clustering of a chart.

    Attributes
    ----------
    method
        "hdbscan": clusters that stay together over a range of densities, the rest is noise
        (Campello et al. 2013). "meanshift": basins of attraction of the peaks of the density
        (Comaniciu and Meer 2002). "mixture": components of a Gaussian mixture.
    size
        Setting of "hdbscan": the fewest points of the sample that make a family, or "auto".
    bandwidth
        Setting of "meanshift": the radius over which the density is averaged, in units of the
        chart, or "auto".
    number
        Setting of "mixture": the number of components, or "auto".
    criterion
        How "auto" chooses. "stability": the most families that fits to random four fifths of
        the sample agree on, their mean adjusted Rand index being at least ``agreement`` (Ben-Hur et
        al. 2002). "silhouette": the highest mean silhouette (Rousseeuw 1987).
        "gap": the gap statistic (Tibshirani et al. 2001), for "mixture" alone.
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

    method: Literal["hdbscan", "meanshift", "mixture"] = "hdbscan"
    size: int | Literal["auto"] = "auto"
    bandwidth: float | Literal["auto"] = "auto"
    number: int | Literal["auto"] = "auto"
    criterion: Literal["stability", "silhouette", "gap"] = "stability"
    agreement: float = Field(default=0.8, gt=0.0, le=1.0)
    n_resamples: int = Field(default=4, ge=2, le=50)
    n_fit: int = Field(default=10_000, ge=100, le=1_000_000)
    tolerance: float = Field(default=1e-4, gt=0.0, allow_inf_nan=False)
    shape_tolerance: float = Field(default=5e-3, gt=0.0, allow_inf_nan=False)
    smallest: int = Field(default=10, ge=1, le=1_000_000_000)
    refine: bool = True
    seed: int = Field(default=0, ge=0, lt=2**63)

    @model_validator(mode="after")
    def _check_knobs(self) -> "FamiliesConfig":
        least = {"size": 2, "bandwidth": 0.0, "number": 1}
        for method, knob in _KNOBS.items():
            value = getattr(self, knob)
            if value == "auto":
                continue
            if method != self.method:
                raise ValueError(
                    f"{knob} belongs to the method {method!r}; the method is {self.method!r}: set "
                    f"{_KNOBS[self.method]} instead"
                )
            if not least[knob] <= value < float("inf") or value == 0:
                raise ValueError(
                    f"{knob} must be 'auto' or a number of at least {least[knob] or 'above 0'}; "
                    f"got {value!r}"
                )
        if self.criterion == "gap" and self.method != "mixture":
            raise ValueError(
                f"the criterion 'gap' counts clusters, which only 'mixture' is given; the method "
                f"is {self.method!r}: use 'stability' or 'silhouette'"
            )
        return self

    @property
    def knob(self) -> str:
        """Name of the setting that decides how many families there are."""
        return _KNOBS[self.method]
