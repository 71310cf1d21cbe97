"""What other programs read in our files."""

from typing import Any


def model_number(model: Any) -> int:
    """Return the number of a model that gemmi read, which was its name before gemmi 0.7."""
    return model.num if hasattr(model, "num") else int(model.name)
