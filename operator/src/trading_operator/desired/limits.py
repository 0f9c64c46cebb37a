"""The limits as the node reads them: a ConfigMap beside the revisions, which changes while the node runs."""

import json
from collections.abc import Iterable
from pathlib import PurePosixPath

from trading_api import wiring
from trading_api.codec import parse_limits
from trading_api.errors import InvalidDocument
from trading_api.risk import RiskLimits, dump_limits, limits_hash
from trading_operator.desired.names import ANNOTATION_GENERATION, ANNOTATION_LIMITS, NAME_REVISION, Owner
from trading_operator.objects import CONFIG_MAP, Manifest, annotations_of

LIMITS_FILE = PurePosixPath(wiring.LIMITS_PATH).name


def limits_config_map(owner: Owner, risk: RiskLimits, generation: int) -> Manifest:
    """Return the ConfigMap that holds the limits of one generation of the deployment."""
    metadata = owner.metadata(owner.limits_name, app=NAME_REVISION)
    manifest: Manifest = {
        "apiVersion": CONFIG_MAP.api_version,
        "kind": CONFIG_MAP.name,
        "metadata": metadata | {"annotations": {ANNOTATION_GENERATION: str(generation)}},
    }
    return _holding(manifest, dump_limits(risk))


def with_those_of_what_still_runs(wanted: Manifest, former: str, running: str, latest: str) -> Manifest:
    """Return the limits with the former ones of strategies and venues that run still, and that the newest spec drops.

    They would run without these limits until the new revision is approved and their node has ended. ``former`` is the
    text of the limits that stand there; ``running`` and ``latest`` are the run-configs of both revisions.
    """
    try:
        risk, before = parse_limits(wanted["data"][LIMITS_FILE]), parse_limits(former)
    except InvalidDocument:
        return wanted
    strategies, venues = (_names(running, what) - _names(latest, what) for what in ("strategies", "venues"))
    kept = risk.model_copy(
        update={
            "strategies": _joined(risk.strategies, (one for one in before.strategies if one.name in strategies), 16),
            "venues": _joined(risk.venues, (one for one in before.venues if one.name in venues), 16),
            "instruments": _joined(
                risk.instruments, (one for one in before.instruments if one.id.rpartition(".")[2] in venues), 64
            ),
        }
    )
    return _holding(wanted, dump_limits(kept))


def _names(config: str, what: str) -> set[str]:
    return {one["name"] for one in json.loads(config)["trading_node"][what]}


def _joined[Entry](first: Iterable[Entry], others: Iterable[Entry], most: int) -> tuple[Entry, ...]:
    """Return what fits into a list of a limits file."""
    return (*first, *others)[:most]


def _holding(manifest: Manifest, text: str) -> Manifest:
    annotations = {**annotations_of(manifest), ANNOTATION_LIMITS: limits_hash(text)}
    return manifest | {
        "metadata": manifest["metadata"] | {"annotations": annotations},
        "data": {LIMITS_FILE: text},
    }


def text_of(manifest: Manifest) -> str:
    """Return the limits file that a ConfigMap holds; empty where it holds none."""
    return str((manifest.get("data") or {}).get(LIMITS_FILE, ""))


def hash_of(manifest: Manifest) -> str:
    """Return the hash of the limits that a ConfigMap holds; empty where it does not hold what it says."""
    told = annotations_of(manifest).get(ANNOTATION_LIMITS, "")
    return told if told == limits_hash(text_of(manifest)) else ""


def generation_in(manifest: Manifest) -> int:
    """Return the generation whose limits a ConfigMap holds; 0 where it does not say."""
    text = annotations_of(manifest).get(ANNOTATION_GENERATION, "")
    return int(text) if text.isdecimal() else 0
