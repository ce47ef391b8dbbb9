"""Deletes the Jobs of ended attempts: in their time where nothing of them runs, else at once."""

from chartly.reconcile.actions import Action, Object, Remove, SetTtl
from chartly.reconcile.attempt_end import is_job_over
from chartly.reconcile.objects import is_being_deleted, key_of, name_of, owned_by, uid_of
from chartly.reconcile.world import RunWorld, Settings


def all_jobs_released(world: RunWorld, settings: Settings) -> tuple[Action, ...]:
    """Releases each Job of a run whose attempts have all ended."""
    return tuple(
        action for job in world.jobs for action in job_released(world, name_of(job), settings)
    )


def job_released(world: RunWorld, name: str, settings: Settings) -> tuple[Action, ...]:
    """Sets the TTL of a Job whose attempt's end is recorded; one that still runs is deleted."""
    jobs = [job for job in world.jobs if name_of(job) == name and not is_being_deleted(job)]
    return tuple(
        SetTtl(key_of(job), uid_of(job), settings.job_ttl)
        if is_job_over(job, pods_of(world, job))
        else job_deleted(job)
        for job in jobs
        if "ttlSecondsAfterFinished" not in job.get("spec", {})
        or not is_job_over(job, pods_of(world, job))
    )


def job_deleted(job: Object) -> Remove:
    return Remove(key_of(job), uid_of(job))


def pods_of(world: RunWorld, job: Object) -> list[Object]:
    return owned_by(world.pods, uid_of(job))
