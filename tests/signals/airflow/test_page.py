"""The how-to: what it shows can be used as it is; the test with a real Airflow follows it."""

import re
from pathlib import Path

from verifier.config.load import load
from verifier.signals.airflow.settings import AirflowBinding, AirflowModel

PAGE = Path(__file__).parents[3] / "docs/how-to/airflow.md"


def test_the_configuration_of_the_page_is_one(tmp_path: Path) -> None:
    first, second = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    file = tmp_path / "landed.yaml"
    file.write_text(first.replace("jobs: {}\n", "") + second)
    environ = {"AIRFLOW_PASSWORD": "secret", "WAREHOUSE_URL": "sqlite:////tmp/warehouse.db"}
    config = load(file, environ)
    (job,) = config.jobs.values()
    assert job.binding == AirflowBinding(source="airflow", dag="revenue", task="write")
    settings = config.sources["airflow"].settings
    assert isinstance(settings, AirflowModel)
    assert settings.password.get_secret_value() == "secret"
    assert "secret" not in repr(settings)


def test_a_page_without_a_job_is_a_configuration_too(tmp_path: Path) -> None:
    first, _ = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    file = tmp_path / "landed.yaml"
    file.write_text(first)
    assert load(file, {"AIRFLOW_PASSWORD": "secret"}).jobs == {}


def test_the_helper_of_the_page_is_python_that_needs_only_airflow() -> None:
    (helper,) = re.findall(r"```python\n(\"\"\"landed_guard.*?)```", PAGE.read_text(), re.DOTALL)
    compile(helper, "landed_guard.py", "exec")
    imported = set(re.findall(r"^(?:from|import) (\w+)", helper, re.MULTILINE))
    assert imported == {"json", "os", "urllib", "airflow"}
