from chartly_kube.kinds import KINDS, OWN
from chartly_operator.handlers import registry, settings


class Untouched:
    """An object of which nothing may be read."""

    def __getattribute__(self, name):
        raise AssertionError(f"{name} was read")

    def __iter__(self):
        raise AssertionError("it was copied")


def test_kopf_copies_nothing_of_what_it_is_told_and_keeps_nothing():
    """It copied each object several times for handlers that are not there."""
    kept = settings(lambda: 0.0, watch_list=False).persistence
    body, essence = Untouched(), {"spec": {}}
    diffs, progress = kept.diffbase_storage, kept.progress_storage
    assert diffs.build(body=body, extra_fields=()) == {}
    assert diffs.fetch(body=body) is None
    assert diffs.store(body=body, patch=body, essence={}) is None
    assert progress.clear(essence=essence) is essence
    assert progress.fetch(key="k", body=body) is None
    assert progress.store(key="k", record={}, body=body, patch=body) is None
    assert progress.purge(key="k", body=body, patch=body) is None
    assert progress.touch(body=body, patch=body, value=None) is None


def test_kopf_watches_our_own_kinds_and_no_others():
    watched = {one.selector.any_name for one in registry(None)._watching.get_all_handlers()}
    assert watched == {KINDS[kind].plural for kind in OWN}
