"""Folders as stores; object storage is a real server that speaks S3, on loopback."""

import os
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from pydantic import ValidationError

from verifier.checks.reason import CannotTell, UnknownReason
from verifier.checks.remark import Level
from verifier.checks.stores.files import FilesStore, FilesStoreConfig


def store(url, **fields):
    return FilesStore(FilesStoreConfig.model_validate({"type": "files", "url": url, **fields}))


@pytest.fixture(scope="module")
def s3_server():
    """The address of a server with the bucket ``acme``, which holds two files and a folder."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    client = boto3.client(
        "s3",
        endpoint_url=url,
        aws_access_key_id="id",
        aws_secret_access_key="hunter2",
        region_name="us-east-1",
    )
    client.create_bucket(Bucket="acme")
    for name, body in (("exports/a.csv", b"one"), ("exports/b.csv", b"two"), ("secret", b"s")):
        client.put_object(Bucket="acme", Key=name, Body=body)
    client.put_object(Bucket="acme", Key="exports/deeper/c.csv", Body=b"three")
    client.close()
    yield url
    server.stop()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_object_storage_is_read_as_a_folder_is(s3_server):
    acme = store("s3://acme/exports/", endpoint_url=s3_server, key="id", secret="hunter2")

    with acme.session() as session:
        assert session.info("a.csv").size == 3
        assert abs(datetime.now(UTC) - session.info("a.csv").modified).total_seconds() < 3600
        assert session.info("nothing.csv") is None
        assert [each.path for each in session.files("deeper")] == ["deeper/c.csv"]
        assert session.files("nowhere") == []
        with session.open("b.csv") as opened:
            assert b"".join(session.chunks(opened)) == b"two"
        with pytest.raises(CannotTell) as caught:
            session.info("../secret")
    assert caught.value.reason is UnknownReason.OUT_OF_ROOT
    assert acme.examine()[0].level is Level.OK

    gone = store("s3://nobody/x", endpoint_url=s3_server, key="id", secret="hunter2")
    with gone.session() as session, pytest.raises(CannotTell) as caught:
        session.info("a.csv")
    assert caught.value.reason is UnknownReason.UNREACHABLE
    down = store(
        "s3://acme/exports", endpoint_url="http://127.0.0.1:1", key="i", secret="s", timeout="2s"
    )
    assert down.probe() in (UnknownReason.UNREACHABLE, UnknownReason.TIMED_OUT)


def test_a_folder_says_what_is_there(tmp_path):
    (tmp_path / "a.csv").write_text("one")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "b.csv").write_text("two")

    with store(str(tmp_path)).session() as session:
        assert session.info("a.csv").size == 3
        assert [each.path for each in session.files("deeper")] == ["deeper/b.csv"]
        assert session.files("nowhere") == []
    assert store(f"file://{tmp_path}").probe() is None
    assert store(str(tmp_path / "gone")).probe() is UnknownReason.UNREACHABLE
    assert store(str(tmp_path / "gone")).examine()[0].level is Level.ERROR


def test_after_an_interrupt_nothing_is_read_any_more(tmp_path):
    folder = store(str(tmp_path))
    folder.interrupt()

    assert folder.probe() is UnknownReason.INTERRUPTED


@contextmanager
def as_nobody():
    """What root may read proves nothing: it is another user for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_what_may_not_be_read_is_a_matter_of_permission():
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "a.csv").touch(0)
        with (
            store(folder).session() as session,
            as_nobody(),
            pytest.raises(CannotTell) as caught,
            session.open("a.csv"),
        ):
            pass
    assert caught.value.reason is UnknownReason.PERMISSION_DENIED


@pytest.mark.parametrize("url", ["exports", "s3://", "ftp://hunter2@host/x", "", "./x"])
def test_a_folder_that_cannot_be_is_refused_without_its_url(url):
    with pytest.raises(ValidationError) as caught:
        FilesStoreConfig.model_validate({"type": "files", "url": url})
    assert "hunter2" not in str(caught.value)
