from pydantic import create_model

from verifier.config.field_texts import field_texts
from verifier.config.model import Model
from verifier.config.schema import schema


class Bread(Model):
    """What is baked."""

    flour: str
    """Of which grain,
    and how fine."""
    salt: int = 0
    rested: bool = False
    """Whether it lay over night."""


class Rye(Bread):
    flour: str = "rye"
    """Coarse."""


def test_the_text_of_a_field_is_what_stands_below_it() -> None:
    assert field_texts(Bread) == {
        "flour": "Of which grain,\nand how fine.",
        "rested": "Whether it lay over night.",
    }


def test_a_field_that_is_declared_anew_says_so_itself_and_the_others_what_they_said() -> None:
    assert field_texts(Rye) == {"flour": "Coarse.", "rested": "Whether it lay over night."}


def test_a_model_that_was_made_while_the_program_runs_says_what_its_ground_says() -> None:
    made = create_model("Made", __base__=Rye, salt=(int, 1))
    assert field_texts(made) == field_texts(Rye)


def test_the_schema_says_them_under_the_keys_of_yaml(plugin: object) -> None:
    """Of a job, which is made anew where types of source are installed."""
    job = schema()["$defs"]["JobModel"]["properties"]
    assert job["class"]["description"].startswith("A preset of `overlap`")
    assert job["scheduler"]["description"].startswith("What starts the job")
