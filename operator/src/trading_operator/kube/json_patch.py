"""The change from what was seen to what is wanted, as a JSON patch that checks first what the decision rests on.

A resourceVersion would refuse a decision because of what does not matter to it, such as a StatefulSet's status that its
controller has just written. Uid, generation and annotations tell of all that a person or an operator decides: the
API server raises the generation with each change of the spec, and when a deletion is asked for.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from trading_operator.objects import Json, Manifest, generation_of, labels_of, uid_of

type Operation = dict[str, Json]


def json_patch(live: Manifest, wanted: Manifest) -> list[Operation]:
    """Return the operations that make spec, labels and annotations those of ``wanted``, or fail as a whole."""
    annotations = "/metadata/annotations"
    before, after = (manifest["metadata"].get("annotations") or {} for manifest in (live, wanted))
    changes = [] if before == after else [{"op": "add", "path": annotations, "value": after}]
    if labels_of(live) != labels_of(wanted):
        changes.append({"op": "add", "path": "/metadata/labels", "value": labels_of(wanted)})
    return [
        _test("/metadata/uid", uid_of(live)),
        _test("/metadata/generation", generation_of(live)),
        _test(annotations, before or None),  # null is what is not there
        *changes,
        *_fields("/spec", live["spec"], wanted["spec"]),
    ]


def _test(path: str, value: Json) -> Operation:
    return {"op": "test", "path": path, "value": value}


def _fields(path: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Operation]:
    for name in sorted({*before, *after}):
        if name not in after:
            yield {"op": "remove", "path": f"{path}/{name}"}
        elif name not in before or before[name] != after[name]:
            yield {"op": "add", "path": f"{path}/{name}", "value": after[name]}
