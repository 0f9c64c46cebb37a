"""TradingDeployments, pods and situations for the tests of the operator."""

from datetime import UTC, datetime
from typing import Any

from trading_api import wiring
from trading_api.risk import RiskLimits
from trading_operator.desired.config_map import config_map
from trading_operator.desired.controller_revision import Recorded, controller_revision
from trading_operator.desired.deployment import Known, desired, named_children
from trading_operator.desired.limits import limits_config_map
from trading_operator.desired.names import FINALIZER, Owner, owner_of
from trading_operator.desired.revision import Rendering
from trading_operator.desired.stateful_set import stateful_set
from trading_operator.objects import Manifest, ref_of
from trading_operator.observe.observed import Auxiliary, Observed
from trading_operator.observe.situation import Situation, assess
from trading_operator.settings import RenderSettings

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
OWNER = Owner("btc-mm", "desk", "uid-1")


def deployment(name: str = OWNER.name, *, generation: int = 1, status: Manifest | None = None, **spec: Any) -> Manifest:
    """A TradingDeployment as the API server holds it; ``spec`` replaces whole fields."""
    return {
        "apiVersion": wiring.API_VERSION,
        "kind": wiring.KIND,
        "metadata": {
            "name": name,
            "namespace": OWNER.namespace,
            "uid": OWNER.uid,
            "generation": generation,
            "resourceVersion": "1",
            "finalizers": [FINALIZER],
        },
        "spec": {
            "mode": "Paper",
            "image": "example/trading-node:1.0.0",
            "traderId": "DESK-A-001",
            "strategies": [
                {"name": "ema", "path": "desk.ema:Ema", "configPath": "desk.ema:EmaConfig", "config": {"fast": 10}}
            ],
            "venues": [
                {
                    "name": "BINANCE",
                    "adapter": "Replay",
                    "replay": {"catalog": "ticks"},
                    "paper": {"startingBalances": ["1000 USDT"]},
                }
            ],
            "catalogs": [{"name": "ticks", "gcs": {"bucket": "ticks", "prefix": "day"}}],
        }
        | spec,
        "status": status or {},
    }


def rendering(raw: Manifest | None = None, settings: RenderSettings | None = None) -> Rendering:
    """The revision that a deployment asks for."""
    found = desired(raw or deployment(), Known(), settings or RenderSettings()).rendering
    assert found is not None
    return found


def record(raw: Manifest | None = None, *, generation: int = 1, approval: int = 0) -> Recorded:
    """A revision as it is recorded in the cluster."""
    manifest = controller_revision(OWNER, rendering(raw), generation)
    manifest["metadata"] |= {"uid": f"cr-{generation}", "resourceVersion": "1"}
    recorded = Recorded(manifest)
    return Recorded(recorded.approved_as(approval)) if approval else recorded


def live_stateful_set(one: Recorded, replicas: int = 1) -> Manifest:
    """The StatefulSet that runs a revision."""
    live = stateful_set(OWNER, one.template, replicas)
    live["metadata"] |= {"uid": "sts-1", "resourceVersion": "7", "generation": 1}
    return live | {"status": {"observedGeneration": 1, "replicas": replicas}}


def pod(one: Recorded, *, deleted: str = "", **status: Any) -> Manifest:
    """The pod of a revision; without a status its node container runs and is ready."""
    running = {
        "name": "node",
        "ready": True,
        "started": True,
        "state": {"running": {"startedAt": "2026-11-23T11:59:00Z"}},
    }
    metadata = {
        "name": f"{OWNER.base}-0",
        "namespace": OWNER.namespace,
        "uid": "pod-1",
        "resourceVersion": "9",
        "labels": one.template["metadata"]["labels"],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata | ({"deletionTimestamp": deleted} if deleted else {}),
        "spec": one.template["spec"] | {"nodeName": "machine-a"},
        "status": {"phase": "Running", "containerStatuses": [running]} | status,
    }


def limits(generation: int = 1, **risk: Any) -> Manifest:
    """The ConfigMap with the limits of a generation."""
    made = limits_config_map(OWNER, RiskLimits.model_validate(risk), generation)
    return made | {"metadata": made["metadata"] | {"uid": "limits-1", "resourceVersion": "5"}}


def auxiliaries(*records: Recorded, generation: int = 1, **risk: Any) -> dict[Any, Auxiliary]:
    """Everything that holds no decision, as wanted, with the limits of a generation."""
    wanted = [*named_children(OWNER), *(config_map(OWNER, one.hash, one.config) for one in records)]
    found = {ref_of(one): Auxiliary(f"uid-{ref_of(one)}", "1", OWNER.uid, faithful=True) for one in wanted}
    return found | {ref_of(held): Auxiliary.of(held, None) for held in [limits(generation, **risk)]}


def report(state: str = "Trading", *, pod_uid: str = "pod-1", **fields: Any) -> Manifest:
    """A status that holds a node's report."""
    return {"node": {"podUid": pod_uid, "state": state, "reconciled": state == "Trading"} | fields}


def situation(raw: Manifest | None = None, *records: Recorded, **observed: Any) -> Situation:
    """What a look at the cluster means, by default of a deployment that is settled."""
    raw = raw or deployment()
    known = records or (record(raw, approval=1),)
    defaults: dict[str, Any] = {
        "key": OWNER.key,
        "deployment": raw,
        "revisions": known,
        "auxiliaries": auxiliaries(*known, generation=raw["metadata"]["generation"]),
        "stateful_set": live_stateful_set(known[0]),
        "pod": pod(known[0]),
    }
    assert owner_of(raw).uid == OWNER.uid
    found = Observed(**(defaults | observed))
    return assess(desired(raw, found.known, RenderSettings()), found, NOW)
