"""Schemas of statuses, which only the operator writes: with patterns instead of rules."""

from pydantic import BaseModel

from chartly.api.object_status import NOT_LOOKED_AT
from chartly.crds.structural_schema import Describe, Schema, Schemas
from chartly.crds.variants import of_variants

_OBSERVED = "observedGeneration"


def status_schema(model: type[BaseModel], describe: Describe) -> Schema:
    """The schema of a status.

    It has a default with ``observedGeneration`` -1: tools that wait for an object would take one
    without a status for ready.
    """
    schema = Schemas(describe, of_variants, in_cel=False).of_object(model)
    properties = schema["properties"]
    properties[_OBSERVED] = {**properties[_OBSERVED], "default": NOT_LOOKED_AT}
    properties["conditions"] |= {
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
    }
    about = " ".join((model.__doc__ or "").split())
    return {"description": about, **schema, "default": {_OBSERVED: NOT_LOOKED_AT}}
