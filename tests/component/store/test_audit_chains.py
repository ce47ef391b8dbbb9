"""Where a project's chain is kept: beside the store, or by a leader that loaders cannot reach."""

import pytest

from chartly.evidence.audit_event import Source
from chartly.evidence.audit_trail import Trail
from chartly_store.audit_chains import AttemptChains
from chartly_store.audit_log import AuditLog, NotKept, project_chain
from chartly_store.project_store import ProjectStore
from support.loading import clock


@pytest.fixture
def store(engine, project):
    made = ProjectStore(engine, project)
    made.create()
    return made


def test_an_attempt_s_chain_needs_no_project_chain(engine, store, project):
    """INV-9: in a cluster the loader writes this alone, and reports its head."""
    chains = AttemptChains(store)
    chains.create()
    trail = Trail(Source(project, "user:ada", "run-1", 2), clock)
    trail.record("workflow.run.started", {"loaded": 1})
    chains.append("run-1", 2, trail.entries)
    assert chains.of_attempt("run-1", 2) == trail.entries
    assert chains.of_attempt("run-1", 1) == []
    assert chains.heads() == {"run-1/2": trail.head}


def test_the_project_s_chain_is_kept_where_its_checkpoint_is(store, tmp_path):
    assert isinstance(project_chain(store, tmp_path / "head"), AuditLog)
    assert isinstance(project_chain(store, None), NotKept)


def test_a_chain_that_is_kept_elsewhere_takes_no_word_and_touches_nothing(store, project):
    chain = project_chain(store, None)
    chain.create()
    assert chain.settle(clock) == []
    said = [("workflow.created", {})]
    assert chain.append_project(said, Source(project), clock) is None
    found = store.engine.rows(
        "SELECT name FROM system.tables WHERE database = {x:String} AND name = '__audit'",
        {"x": store.database},
    )
    assert found == []
