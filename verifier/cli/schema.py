"""``landed schema``: the JSON Schema of ``landed.yaml``."""

from verifier.cli.options import JsonOption
from verifier.cli.output import show_json
from verifier.config.schema import schema as schema_of_file


def schema(_as_json: JsonOption = True) -> None:
    """Print the JSON Schema of landed.yaml, for editors."""
    show_json(schema_of_file())
