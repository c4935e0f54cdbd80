"""What ``landed.yaml`` may say of an Airflow."""

import pytest
from pydantic import ValidationError

from verifier.signals.airflow.settings import AirflowBinding, AirflowModel

GOOD = {"type": "airflow", "url": "http://127.0.0.1:8080", "username": "u", "password": "p"}


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8080",
        "ftp://airflow",
        "http://",
        "http://user:secret@airflow",
        "http://airflow/?token=secret",
        "http://airflow:port",
        "http://[::1",
    ],
)
def test_an_address_that_cannot_be_one_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ValidationError, match="expected an address") as raised:
        AirflowModel.model_validate(GOOD | {"url": url})
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/", "https://airflow.example/team"])
def test_an_address_may_have_a_path_and_no_slash_at_its_end(url: str) -> None:
    assert AirflowModel.model_validate(GOOD | {"url": url}).url == url.rstrip("/")


def test_a_dag_and_a_task_of_it_are_two_jobs_and_the_same_task_twice_is_a_clash() -> None:
    dag = AirflowBinding(source="a", dag="d")
    task = AirflowBinding(source="a", dag="d", task="t")
    assert not dag.clashes(task)
    assert task.clashes(AirflowBinding(source="a", dag="d", task="t"))


def test_it_is_not_asked_more_often_than_every_second() -> None:
    with pytest.raises(ValidationError, match="expected 1s or more"):
        AirflowModel.model_validate(GOOD | {"poll": "900ms"})
    assert AirflowModel.model_validate(GOOD | {"poll": "1s"}).poll.total_seconds() == 1
