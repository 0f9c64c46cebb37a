"""The pod that a revision runs in."""

from trading_api import wiring
from trading_api.deployment import TradingDeployment
from trading_api.reasons import AcceptedReason
from trading_operator.desired import node_files
from trading_operator.desired.catalogs import CatalogParts, catalog_parts
from trading_operator.desired.config_map import CONFIG_FILE
from trading_operator.desired.guard_rails import broken_guard_rails
from trading_operator.desired.names import Owner
from trading_operator.desired.refusal import Refusal, RefusedError
from trading_operator.desired.strategic_merge import strategic_merge
from trading_operator.objects import Manifest
from trading_operator.settings import RenderSettings

USER_ID = 10001
TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105  # where every client looks for it
CONFIG_FOLDER = wiring.CONFIG_PATH.rpartition("/")[0]

VOLUME_CONFIG = "trading-config"
VOLUME_TMP = "trading-tmp"
VOLUME_TOKEN = "trading-token"  # noqa: S105  # a name


def pod_template(owner: Owner, deployment: TradingDeployment, revision: str, settings: RenderSettings) -> Manifest:
    """Return the rendered pod template of a revision, with the desk's own patch merged in.

    Raises RefusedError where the patch touches what it may not.
    """
    parts = catalog_parts(deployment.spec.catalogs, settings.gcs)
    spec = _pod_spec(owner, deployment, revision, parts, settings)
    patch = deployment.spec.pod_template
    if faults := list(broken_guard_rails(spec, patch.spec)):
        message = "; ".join(f"spec.podTemplate.spec.{fault}" for fault in faults)
        raise RefusedError(Refusal(AcceptedReason.POD_TEMPLATE_REFUSED, message))
    return {
        "metadata": {
            "labels": {**patch.metadata.labels, **owner.labels(revision=revision)},
            "annotations": {**patch.metadata.annotations, **parts.annotations},
        },
        "spec": strategic_merge(spec, patch.spec),
    }


def _pod_spec(
    owner: Owner, deployment: TradingDeployment, revision: str, parts: CatalogParts, settings: RenderSettings
) -> Manifest:
    return {
        "serviceAccountName": owner.base,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": deployment.spec.drain.seconds + wiring.GRACE_BEYOND_DRAIN_SECONDS,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "fsGroup": USER_ID,
            "fsGroupChangePolicy": "OnRootMismatch",  # else each start walks through all books
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "initContainers": parts.sidecars,
        "containers": [_node_container(owner, deployment, revision, parts, settings)],
        "volumes": [
            {"name": VOLUME_CONFIG, "configMap": {"name": owner.revision_name(revision)}},
            {"name": VOLUME_TMP, "emptyDir": {}},
            _token_volume(),
            *node_files.volumes(owner, deployment.spec),
            *parts.volumes,
        ],
    }


def _node_container(
    owner: Owner, deployment: TradingDeployment, revision: str, parts: CatalogParts, settings: RenderSettings
) -> Manifest:
    return {
        "name": wiring.NODE_CONTAINER,
        "image": deployment.spec.image,
        "command": ["python", "-m", "trading_node.cli"],
        "args": ["run", "--config", f"{CONFIG_FOLDER}/{CONFIG_FILE}"],
        "env": [*_environment(owner, revision, settings), *node_files.environment(deployment.spec)],
        "ports": [{"name": "http", "containerPort": wiring.HTTP_PORT, "protocol": "TCP"}],
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "startupProbe": _probe("/livez", period=1, timeout=2, failures=300),
        "readinessProbe": _probe("/readyz", period=5, timeout=2, failures=3),
        "livenessProbe": _probe("/livez", period=10, timeout=5, failures=6),
        "terminationMessagePath": wiring.TERMINATION_MESSAGE_PATH,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": VOLUME_CONFIG, "mountPath": CONFIG_FOLDER, "readOnly": True},
            {"name": VOLUME_TMP, "mountPath": "/tmp"},  # noqa: S108  # an emptyDir of the pod's own
            {"name": VOLUME_TOKEN, "mountPath": TOKEN_PATH, "readOnly": True},
            *node_files.mounts(deployment.spec),
            *parts.mounts,
        ],
    }


def _environment(owner: Owner, revision: str, settings: RenderSettings) -> list[Manifest]:
    return [
        _from_field(wiring.ENV_POD_NAME, "metadata.name"),
        _from_field(wiring.ENV_POD_UID, "metadata.uid"),
        _from_field(wiring.ENV_NAMESPACE, "metadata.namespace"),
        {"name": wiring.ENV_DEPLOYMENT_NAME, "value": owner.name},
        {"name": wiring.ENV_DEPLOYMENT_UID, "value": owner.uid},
        {"name": wiring.ENV_REVISION, "value": revision},
        {"name": wiring.ENV_REPORT_INTERVAL, "value": str(settings.node_report_interval_seconds)},
    ]


def _from_field(name: str, path: str) -> Manifest:
    return {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}


def _probe(path: str, *, period: int, timeout: int, failures: int) -> Manifest:
    return {
        "httpGet": {"path": path, "port": "http"},
        "periodSeconds": period,
        "timeoutSeconds": timeout,
        "failureThreshold": failures,
    }


def _token_volume() -> Manifest:
    """Return what the kubelet would mount into every container; ours goes into the node's alone."""
    return {
        "name": VOLUME_TOKEN,
        "projected": {
            "sources": [
                {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
                {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                {
                    "downwardAPI": {
                        "items": [
                            {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
                        ]
                    }
                },
            ]
        },
    }
