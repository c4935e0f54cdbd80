import socket

import pytest

from verifier.web.server import CannotListen, listen


def test_port_zero_is_any_free_port_and_the_url_tells_which():
    listener = listen("127.0.0.1", 0)
    try:
        assert listener.port != 0
        assert listener.url == f"http://127.0.0.1:{listener.port}"
        with socket.create_connection(("127.0.0.1", listener.port), timeout=2):
            pass
    finally:
        listener.close()


def test_an_address_in_use_is_said_in_one_sentence():
    first = listen("127.0.0.1", 0)
    try:
        with pytest.raises(CannotListen, match=rf"127\.0\.0\.1:{first.port}.*in use.*Stop"):
            listen("127.0.0.1", first.port)
    finally:
        first.close()


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1"])
def test_an_address_that_is_not_ours_is_said_so_too(host):
    with pytest.raises(CannotListen, match=host):
        listen(host, 0)


def test_those_on_the_same_machine_reach_a_wildcard_by_loopback():
    listener = listen("0.0.0.0", 0)
    try:
        assert listener.url == f"http://127.0.0.1:{listener.port}"
    finally:
        listener.close()
