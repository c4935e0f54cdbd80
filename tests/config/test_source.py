import pytest

from verifier.config.source import NoSuchKind, source_kind, source_kinds, source_words


def test_a_package_that_is_installed_brings_its_types_of_source(plugin):
    kind = source_kind("lines")
    assert (kind.scheduler, kind.model.__name__) == ("lines", "LinesModel")
    assert source_kinds()["lines"] is kind


def test_a_type_that_nobody_brings_is_told_with_those_there_are(plugin):
    with pytest.raises(NoSuchKind, match=r"expected one of .*lines.*, found 'quartz'"):
        source_kind("quartz")


@pytest.mark.parametrize(
    ("word", "says"),
    [("broken", "fails with AttributeError"), ("modelless", "to have a SourceModel, found none")],
)
def test_a_type_that_cannot_be_used_says_why_and_hides_no_other(plugin, word, says):
    with pytest.raises(NoSuchKind, match=says):
        source_kind(word)
    assert word in source_words()
    assert word not in source_kinds()
