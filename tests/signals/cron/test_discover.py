"""The jobs that a host's crontabs have, as skeletons for a person."""

import pytest

from verifier.checks.remark import Remark
from verifier.signals.cron.discover import discover
from verifier.signals.cron.settings import host_zone
from verifier.signals.source import SourceUnavailable


@pytest.fixture
def host(tmp_path):
    """Writes a file of a host by its path; the host's root is ``host.root``."""

    def write(path, text):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())

    write.root = tmp_path
    return write


def found(host):
    everything = list(discover(host.root))
    jobs = [each for each in everything if not isinstance(each, Remark)]
    return jobs, [each.message for each in everything if isinstance(each, Remark)]


def test_every_entry_of_every_crontab_is_a_job_of_its_user(host):
    host("etc/crontab", "17 * * * * root cd / && run-parts --report /etc/cron.hourly\n")
    host("etc/cron.d/certbot", "# Renews certificates.\n0 */12 * * * root certbot -q renew\n")
    host("var/spool/cron/crontabs/app", "0 2 * * * /opt/jobs/revenue.sh --all\n")
    jobs, left_out = found(host)
    assert left_out == []
    assert [(job.name, dict(job.scheduler), job.schedule["cron"]) for job in jobs] == [
        (
            "cron.hourly",
            {"command": "cd / && run-parts --report /etc/cron.hourly", "user": "root"},
            "17 * * * *",
        ),
        ("certbot", {"command": "certbot -q renew", "user": "root"}, "0 */12 * * *"),
        ("revenue", {"command": "/opt/jobs/revenue.sh --all", "user": "app"}, "0 2 * * *"),
    ]
    assert jobs[1].comments == ("Renews certificates.", f"from {host.root}/etc/cron.d/certbot:2")
    assert {job.schedule["timezone"] for job in jobs} == {host_zone().key}
    assert all(not job.further for job in jobs)


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("/usr/bin/python3 /opt/jobs/load.py", "load"),
        ("echo hello", "echo"),
        ("[ -x /usr/bin/x ] && y --z", "y"),
        ("test -x /a/b || { cd / && run-parts --report /etc/cron.daily; }", "cron.daily"),
        ("test -e /run/x || MODE=1 /sbin/e2scrub_all -A", "e2scrub_all"),
        ("/opt/a.sh | tee /tmp/b", "a"),
        ("cd /opt", "opt"),
        ("nice /opt/b.sh ; rm -rf /", "b"),
    ],
)
def test_a_name_is_made_of_the_program(host, command, name):
    host("var/spool/cron/crontabs/app", f"0 2 * * * {command}\n")
    assert [job.name for job in found(host)[0]] == [name]


def test_what_is_left_out_is_named_without_its_arguments(host):
    host(
        "var/spool/cron/crontabs/app",
        "@reboot /opt/warm.sh --password=hunter2\n"
        "0 2 * * * landed-exec --job a -- /opt/a.sh\n"
        "0 2 * * /opt/broken.sh\n",
    )
    jobs, left_out = found(host)
    assert jobs == []
    where = f"{host.root}/var/spool/cron/crontabs/app"
    assert left_out[:2] == [
        f"{where}:1 is left out, since @reboot is never due: /opt/warm.sh",
        f"{where}:2 runs under landed exec, which tells of it: landed-exec",
    ]
    assert left_out[2].startswith(f"{where}:3 is left out: ")
    assert "hunter2" not in "".join(left_out)


def test_files_that_cron_does_not_read_are_no_crontabs(host):
    host("etc/cron.d/good", "0 2 * * * root x\n")
    host("etc/cron.d/good.dpkg-old", "0 2 * * * root y\n")
    host("etc/cron.d/.placeholder", "0 2 * * * root z\n")
    assert [job.scheduler["command"] for job in found(host)[0]] == ["x"]


def test_a_zone_that_this_cron_ignores_is_told_and_not_taken(host):
    host("usr/sbin/cron", b"\x7fELF")
    host("var/spool/cron/crontabs/app", "CRON_TZ=Asia/Tokyo\n0 2 * * * x\n")
    (job,) = found(host)[0]
    assert job.schedule["timezone"] == host_zone().key
    assert "CRON_TZ=Asia/Tokyo stands above it, which the cron of this host ignores" in job.comments


def test_a_zone_that_this_cron_goes_by_is_taken(host):
    host("usr/sbin/crond", b"\x7fELF...CRON_TZ...")
    host("var/spool/cron/crontabs/app", "CRON_TZ=Asia/Tokyo\n0 2 * * * x\n")
    (job,) = found(host)[0]
    assert job.schedule["timezone"] == "Asia/Tokyo"


def test_bytes_that_are_no_text_keep_no_other_entry_out(host):
    host("var/spool/cron/crontabs/app", b"# \xff\xfe\n0 2 * * * /opt/a.sh\n")
    assert [job.name for job in found(host)[0]] == ["a"]


def test_a_host_without_crontabs_says_so(host):
    with pytest.raises(SourceUnavailable, match="no crontab"):
        list(discover(host.root))
