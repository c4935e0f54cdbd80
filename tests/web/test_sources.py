import msgspec

from verifier.web.shapes import Sources


def test_every_source_is_told_in_its_shape(api):
    answer = api.get("/v1/sources")
    assert answer.status_code == 200
    assert msgspec.json.decode(answer.content, type=Sources).sources == []
