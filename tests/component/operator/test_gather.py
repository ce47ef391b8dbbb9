"""What a decision sees: the objects that belong together, and whether a missing Job is gone."""

from chartly.names import MANAGED_BY, OURS, RUN_UID_LABEL
from chartly.reconcile.actions import Key
from chartly.reconcile.objects import key_of, uid_of
from support.operator_shell import JOB, KEY, RUN, SPACE, Shell, job_of, play

ATTEMPT = {"number": 1, "job": "r-a1"}


def test_a_job_that_is_only_missing_here_is_asked_for():
    async def scenario():
        shell = Shell()
        shell.port.objects.update(
            KEY, lambda one: {**one, "status": {"attempts": [ATTEMPT]}}, status=True
        )
        shell.see()
        shell.port.objects.create(job_of(shell.run))
        await shell.look()
        assert [key_of(one) for one in shell.worlds[-1].jobs] == [JOB]
        assert ("get", JOB) in shell.port.calls

    play(scenario)


def test_a_job_that_is_gone_is_confirmed_with_the_run_of_now():
    """INV-2: an old run in the cache must not make the Job of a finished one again."""

    async def scenario():
        shell = Shell()
        shell.port.objects.update(
            KEY, lambda one: {**one, "status": {"attempts": [ATTEMPT]}}, status=True
        )
        shell.see()
        ended = {"attempts": [{**ATTEMPT, "end": "x"}], "outcome": "Succeeded"}
        shell.port.objects.update(KEY, lambda one: {**one, "status": ended}, status=True)
        await shell.look()
        assert shell.worlds[-1].run["status"]["outcome"] == "Succeeded"
        assert shell.worlds[-1].jobs == ()
        shell.port.calls.clear()
        await shell.look()
        assert shell.port.calls == [], "of a finished run nothing is asked"

    play(scenario)


def test_a_job_that_another_operator_makes_meanwhile_is_not_lost():
    """INV-1: it was not there when it was asked for, and is recorded when the run is."""

    async def scenario():
        shell = Shell()
        objects = shell.port.objects
        objects.update(KEY, lambda one: {**one, "status": {"attempts": [ATTEMPT]}}, status=True)
        shell.see()

        def another_makes_it(verb, key):
            if (verb, key) == ("get", KEY):
                made = objects.create(job_of(shell.run))
                told = [{**ATTEMPT, "uid": made["metadata"]["uid"]}]
                objects.update(KEY, lambda one: {**one, "status": {"attempts": told}}, status=True)

        shell.port.before = another_makes_it
        await shell.look()
        assert [key_of(one) for one in shell.worlds[-1].jobs] == [JOB]

    play(scenario)


def test_the_pods_of_a_job_that_is_over_are_asked_for_where_the_view_has_none():
    """INV-1: a run that has succeeded would look as if it had left no word."""

    async def scenario():
        shell = Shell()
        objects = shell.port.objects
        job = objects.create(job_of(shell.run))
        over = {"conditions": [{"type": "Complete", "status": "True"}]}
        objects.update(JOB, lambda one: {**one, "status": over}, status=True)
        told = [{**ATTEMPT, "uid": uid_of(job)}]
        objects.update(KEY, lambda one: {**one, "status": {"attempts": told}}, status=True)
        shell.see()
        await shell.look()
        assert shell.worlds[-1].pods == (), "there is none"
        labels = {MANAGED_BY: OURS, RUN_UID_LABEL: uid_of(shell.run)}
        owner = {"kind": "Job", "name": JOB.name, "uid": uid_of(job), "controller": True}
        metadata = {"name": "p", "namespace": "a", "labels": labels, "ownerReferences": [owner]}
        objects.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata})
        await shell.look()
        assert names(shell.worlds[-1].pods) == ["p"]
        shell.port.calls.clear()
        await shell.look()
        assert shell.port.calls == [], "it is known now"
        shell.intake.drop(objects.delete(Key("Pod", "a", "p"), None)[0])
        ended = [{**told[0], "end": "x"}]
        objects.update(KEY, lambda one: {**one, "status": {"attempts": ended}}, status=True)
        shell.see()
        await shell.look()
        assert shell.port.calls == [], "of an attempt that has ended nothing is asked"

    play(scenario)


def test_a_run_that_is_gone_with_its_job_is_not_decided_on():
    async def scenario():
        shell = Shell()
        shell.port.objects.update(
            KEY, lambda one: {**one, "status": {"attempts": [ATTEMPT]}}, status=True
        )
        shell.see()
        shell.port.objects.vanish(KEY)
        assert await shell.look() == "gone"
        assert shell.worlds == []

    play(scenario)


def test_a_world_has_what_it_promises():
    async def scenario():
        shell = Shell()
        objects = shell.port.objects
        twin = {**SPACE, "metadata": {**SPACE["metadata"], "name": "b"}}
        objects.create(twin)
        objects.create(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "chartly-global"}}
        )
        spec = {"kind": "storage", "name": "s", "version": "1.0.0"}
        for space in ("a", "b", "chartly-global"):
            objects.create(resource("Profile", "storage-s-1.0.0", space, spec))
        for name in ("w", "v"):
            objects.create(resource("Workflow", name, "a", {"steps": []}))
        objects.create(resource("WorkflowRun", "r2", "a", RUN["spec"]))
        objects.create(resource("WorkflowRun", "r3", "a", {"workflowRef": {"name": "v"}}))
        labels = {MANAGED_BY: OURS}
        for name in ("chartly-versions-storage-s", "chartly-versions-workflow-w", "chartly-cfg-x"):
            metadata = {"name": name, "namespace": "a", "labels": labels}
            objects.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
        objects.update(
            KEY, lambda one: {**one, "status": {"config": {"name": "chartly-cfg-x"}}}, status=True
        )
        shell.see()

        await shell.look(Key("Profile", "a", "storage-s-1.0.0"))
        profile = shell.worlds[-1]
        assert names(profile.claimants) == ["a", "b"]
        assert names([profile.namespace, profile.versions]) == ["a", "chartly-versions-storage-s"]

        await shell.look(Key("Workflow", "a", "w"))
        workflow = shell.worlds[-1]
        assert (names(workflow.others), names(workflow.runs)) == (["v"], ["r", "r2"])
        places = [
            [key_of(one).namespace for one in found]
            for found in (workflow.reachable.own.values(), workflow.reachable.shared.values())
        ]
        assert places == [["a"], ["chartly-global"]]
        assert names([workflow.versions]) == ["chartly-versions-workflow-w"]

        await shell.look()
        run = shell.worlds[-1]
        assert (names([run.workflow]), names(run.rivals), run.frozen) == (["w"], ["r2"], True)
        assert (run.jobs, run.pods) == ((), ())

    play(scenario)


def names(found):
    return sorted(one["metadata"]["name"] for one in found)


def resource(kind, name, namespace, spec):
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "chartly.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
