"""The ground of all that is declared of checks."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A piece of a check's declaration: nothing unknown in it, nothing changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True)
