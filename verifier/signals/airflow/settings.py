"""What ``landed.yaml`` says of an Airflow, and of jobs that it schedules."""

from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from verifier.config.model import Limit
from verifier.config.source import BindingModel, BindingText, SourceModel


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        port, parts = None, urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ValueError("expected an address such as http://127.0.0.1:8080")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("expected an address without a user, a query or a fragment")
    return text.rstrip("/")


def _not_too_often(length: timedelta) -> timedelta:
    if length < timedelta(seconds=1):
        raise ValueError("expected 1s or more")
    return length


class AirflowModel(SourceModel):
    """An Airflow 3, asked through its REST API."""

    type: Literal["airflow"]
    """Airflow."""
    url: Annotated[str, AfterValidator(_address)]
    """Where its API server is, such as `http://127.0.0.1:8080`; with its path, if it has one."""
    username: Annotated[str, Field(min_length=1, max_length=200)]
    """The user that asks. The role `viewer` is enough."""
    password: SecretStr
    """The password of that user."""
    poll: Annotated[Limit, AfterValidator(_not_too_often)] = timedelta(seconds=10)
    """How often it is asked for what is new."""
    namespace: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """The OpenLineage namespace of its events; needed only where several Airflows send them."""
    lineage_file: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    """The file to which its OpenLineage `file` transport appends events, if there is one."""


class AirflowBinding(BindingModel):
    """A job that is a DAG, or one task of it."""

    dag: Annotated[BindingText, Field(max_length=250)]
    """The id of the DAG. A job that names no `task` is the whole DAG run."""
    task: Annotated[BindingText, Field(max_length=250)] | None = None
    """The id of the task, with those of its groups: `group.task`."""
