"""Why a catalog's bucket cannot be mounted, from the last words of its sidecar."""

import re

from trading_api.reasons import DegradedReason
from trading_operator.desired import gcsfuse
from trading_operator.observe.finding import Finding, sentence

_NOT_FOUND = re.compile(
    r"bucket (doesn't|does not) exist|specified bucket does not exist|notfound|error 404", re.IGNORECASE
)
_FORBIDDEN = re.compile(
    r"error 40[13]|forbidden|does not have storage|permission|unauthenticated|could not find default credentials|"
    r"default credentials",
    re.IGNORECASE,
)
_NOISE = re.compile(r"^(time=\S+ |severity=\S+ |message=)+")


def mount_failure(sidecar: str, last_words: str) -> Finding:
    """Return what is wrong with the bucket that a sidecar mounts."""
    catalog = sidecar.removeprefix(gcsfuse.SIDECAR_PREFIX)
    if _NOT_FOUND.search(last_words):
        reason = DegradedReason.BUCKET_NOT_FOUND
        says = f"the bucket of catalog {catalog} does not exist; create it, or correct gcs.bucket of the catalog"
    elif _FORBIDDEN.search(last_words):
        reason = DegradedReason.BUCKET_FORBIDDEN
        says = (
            f"the bucket of catalog {catalog} may not be read; give the pod's identity the role Storage Object Viewer"
        )
    else:
        reason = DegradedReason.CATALOG_MOUNT_FAILED
        says = f"catalog {catalog} cannot be mounted; see kubectl logs of the container {sidecar}"
    return Finding(reason, sentence(says, _last_line(last_words)))


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"error|fail", line, re.IGNORECASE)]
    return _NOISE.sub("", (errors or lines or [""])[-1])
