"""Whether a mapping can work at all: asked without any record, and without the vector engine."""

from chartly.api.event_schema import EventSchema, event_schema
from chartly.api.normalizer import NormalizerSpec, ToUtcTimestamp
from chartly.api.storage import StorageSpec
from chartly.errors import SpecError
from chartly.extract.instants import check_timestamps
from chartly.extract.jsonpath import compile_path


def check_mapping(normalizer: NormalizerSpec, storage: StorageSpec) -> EventSchema:
    """The schema of the events that a normalizer profile makes for a storage profile's dataset.

    Raises:
        SpecError: a path, zone or format is malformed, or the profiles do not fit each other.
    """
    for name, path in normalizer.mapping.items():
        try:
            compile_path(path)
        except SpecError as error:
            raise SpecError(f"mapping.{name}: {error.message}") from None
    for position, transform in enumerate(normalizer.transforms):
        if isinstance(transform, ToUtcTimestamp):
            check_timestamps(transform, f"transforms[{position}]")
    return event_schema(normalizer, storage)
