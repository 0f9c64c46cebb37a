"""A bucket as a folder of the pod: by a sidecar of ours, or by GKE's CSI driver."""

from trading_api.deployment import GcsCatalog
from trading_operator.objects import Manifest
from trading_operator.settings import GcsSettings

VOLUME_PREFIX = "catalog-"
SIDECAR_PREFIX = "gcsfuse-"
MOUNT_POINT = "/catalog"
"""Where the sidecar mounts the bucket, in its own view; the volume carries it to the node."""
GKE_DRIVER = "gcsfuse.csi.storage.gke.io"
GKE_ANNOTATIONS = {"gke-gcsfuse/volumes": "true"}
_CHECK = """mkdir -p /tmp/check
gcsfuse "$@" /tmp/check >/tmp/check.log 2>&1 &
until mountpoint -q /tmp/check || ! kill -0 $! 2>/dev/null; do sleep 0.05; done
ls /tmp/check >/dev/null 2>&1
umount /tmp/check 2>/dev/null
wait $!
if grep "bucket doesn't exist" /tmp/check.log >&2; then exit 1; fi
"""
"""Look for the bucket first. Google's own endpoint is asked for the bucket's layout at the mount, which fails when
there is none; without that call a bucket that does not exist can be mounted, and shows an empty folder."""
_RUN = f"""gcsfuse "$@" {MOUNT_POINT} &
trap 'umount {MOUNT_POINT}' TERM
wait $!; code=$?
[ $code -lt 128 ] || {{ wait $!; code=$?; }}
exit $code
"""
"""Unmount when the sidecar's turn to end has come. A preStop hook would run while the node still reads, because the
hooks of sidecars do not wait for their turn; gcsfuse itself needs fusermount for it, and waits 30 s without it."""
_READ_ONLY_FOR_ALL = ("--file-mode=444", "--dir-mode=555", "-o", "ro", "-o", "allow_other")


def sidecar(volume: str, gcs: GcsCatalog, settings: GcsSettings) -> Manifest:
    """Return the native sidecar: started before the node, ended after it, restarted when it fails.

    It is privileged, because only such a container may carry a mount to its neighbours (Bidirectional).
    """
    return {
        "name": SIDECAR_PREFIX + volume.removeprefix(VOLUME_PREFIX),
        "image": settings.image,
        "restartPolicy": "Always",
        "command": ["sh", "-c", _CHECK + _RUN if settings.endpoint else _RUN, "gcsfuse"],
        "args": [*_flags(gcs, settings), gcs.bucket],
        "securityContext": {"privileged": True, "runAsUser": 0, "runAsGroup": 0, "runAsNonRoot": False},
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
        "startupProbe": {
            "exec": {"command": ["mountpoint", "-q", MOUNT_POINT]},
            "periodSeconds": 1,
            "failureThreshold": 120,
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [{"name": volume, "mountPath": MOUNT_POINT, "mountPropagation": "Bidirectional"}],
    }


def gke_volume(volume: str, gcs: GcsCatalog) -> Manifest:
    """Return the ephemeral volume that GKE's driver mounts."""
    options = ["implicit-dirs", *([f"only-dir={gcs.prefix}"] if gcs.prefix else [])]
    return {
        "name": volume,
        "csi": {
            "driver": GKE_DRIVER,
            "readOnly": True,
            "volumeAttributes": {"bucketName": gcs.bucket, "mountOptions": ",".join(options)},
        },
    }


def _flags(gcs: GcsCatalog, settings: GcsSettings) -> list[str]:
    flags = ["--foreground", "--implicit-dirs", "--log-format=text", *_READ_ONLY_FOR_ALL]
    if gcs.prefix:
        flags += ["--only-dir", gcs.prefix]
    if settings.endpoint:
        # The layout call of hierarchical buckets is gRPC, which emulators do not speak: it would hang for ever.
        flags += [f"--custom-endpoint={settings.endpoint}", "--enable-hns=false"]
    if settings.anonymous:
        flags.append("--anonymous-access")
    return flags
