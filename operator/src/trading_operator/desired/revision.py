"""A revision: one rendering of a deployment, known by its hash."""

import hashlib
import json
from dataclasses import dataclass

from trading_api.deployment import TradingDeployment, TradingDeploymentSpec
from trading_api.reasons import AcceptedReason
from trading_operator.desired.config_map import MAX_BYTES
from trading_operator.desired.names import Owner
from trading_operator.desired.pod_template import pod_template
from trading_operator.desired.refusal import Refusal, RefusedError
from trading_operator.desired.run_config import run_config
from trading_operator.objects import Manifest
from trading_operator.settings import RenderSettings

HASH_LENGTH = 10


@dataclass(frozen=True, slots=True)
class Rendering:
    """What a revision runs."""

    hash: str
    source: str
    """Hash of what of the spec it was made from."""
    template: Manifest
    """The pod template, with the hash stamped into it."""
    config: str
    """The run-config's text."""


_NOT_RENDERED = frozenset({"risk", "suspend", "rollout", "live_confirmation"})


def source_of(spec: TradingDeploymentSpec) -> str:
    """Return the hash of what of a spec goes into a rendering.

    A spec that differs in nothing of it asks for the same revision, also of a newer operator that would render it
    differently: so a change of limits alone replaces no pod. Defaults are left out, because a new one is no change.
    """
    fields = spec.model_dump(mode="json", exclude_defaults=True, exclude={*_NOT_RENDERED, "state"})
    return _digest({"fields": fields, "state": spec.state is not None})


def render(owner: Owner, deployment: TradingDeployment, settings: RenderSettings) -> Rendering:
    """Render a deployment; the same input gives the same hash. Raises RefusedError."""
    config = run_config(deployment)
    unstamped = pod_template(owner, deployment, "", settings)
    revision = revision_hash(unstamped, config)
    template = pod_template(owner, deployment, revision, settings)
    # Its record holds the config as JSON within JSON, which can be twice as long; etcd takes 1.5 MiB.
    if len(json.dumps([template, config], ensure_ascii=False).encode()) > MAX_BYTES:
        message = (
            f"spec.strategies, spec.podTemplate: what the revision runs is larger than {MAX_BYTES} bytes: shorten the"
            " strategies' config, or put what is long into the image or a catalog"
        )
        raise RefusedError(Refusal(AcceptedReason.SPEC_INVALID, message))
    return Rendering(revision, source_of(deployment.spec), template, config)


def revision_hash(template: Manifest, config: str) -> str:
    """Return the first digits of the SHA-256 over what is rendered, before the hash is stamped into it."""
    return _digest({"template": template, "config": config})


def _digest(document: Manifest) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_LENGTH]
