"""Words for what can be chosen; what they mean is where they point to."""

from __future__ import annotations

#: Ways to precondition a denoiser, and to tell it the noise level: see `precondition`.
VARIANTS = ("levels", "global", "note")
CONVENTIONS = ("af3", "edm")

#: Covariances that a denoiser can take the noise to have: see `analytic.IdealDenoiser`.
COVARIANCES = ("nested", "flat")

#: What is known of the pose: how the data lie, or nothing, averaged over all poses or the likeliest one taken.
POSES = ("fixed", "exact", "best")
