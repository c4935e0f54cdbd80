def test_a_process_that_answers_is_live(api):
    assert api.get("/livez").json() == {"status": "live"}


def test_a_verifier_whose_ledger_can_be_read_is_ready(api):
    assert api.get("/readyz").json() == {"status": "ready"}


def test_a_ledger_that_is_gone_makes_it_not_ready_and_leaves_it_live(api, service, tmp_path):
    service.ledger.close()
    (tmp_path / "landed.db").unlink()
    answer = api.get("/readyz")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert str(tmp_path) not in answer.text
    assert api.get("/livez").status_code == 200


def test_health_is_open_to_those_without_a_token(closed_api):
    assert closed_api.get("/livez").status_code == 200
    assert closed_api.get("/readyz").status_code == 200
