"""What the images promise of themselves, looked at from inside: no root, nothing to build with, no ballast."""

import json

import pytest

from tests.cluster import images
from tests.cluster.cluster import Cluster
from tests.e2e.kubectl import Kubectl

MB = 10**6
NODE_MB = 960
"""Without slimming the node's dependencies alone take 973 MB, on a base of 102 MB."""
OPERATOR_MB = 280

LOOK = r"""
import json, os, re, stat
TOOLS = re.compile(
    r"(.+-)?(gcc|g\+\+|cc|c\+\+|cpp|cc1|cc1plus|clang|clang\+\+|tcc|as|ld|ld\.bfd|ld\.gold|ld\.lld|make|rustc|cargo|go)(-[\d.]+)?"
)
tools, pips, sizes = [], [], {}
for folder, folders, files in os.walk("/"):
    folders[:] = [name for name in folders if not os.path.ismount(os.path.join(folder, name))]
    for name in files:
        path = os.path.join(folder, name)
        told = os.lstat(path)
        runs = os.path.isfile(path) and os.stat(path).st_mode & 0o111
        if runs and TOOLS.fullmatch(name):
            tools.append(path)
        if runs and re.fullmatch(r"pip[\d.]*", name):
            pips.append(path)
        if stat.S_ISREG(told.st_mode):
            sizes[told.st_dev, told.st_ino] = told.st_size
print(json.dumps({"uid": os.getuid(), "tools": tools, "pips": pips, "bytes": sum(sizes.values())}))
"""


@pytest.mark.parametrize(
    ("source", "megabytes", "installs"),
    [(images.NODE, NODE_MB, False), (images.OPERATOR, OPERATOR_MB, True)],
    ids=lambda one: one.title if isinstance(one, images.Source) else "",
)
def test_an_image_holds_no_root_no_compiler_and_no_ballast(
    cluster: Cluster, kubectl: Kubectl, source: images.Source, megabytes: int, installs: bool
) -> None:
    cluster.images((source,))
    look = {
        "name": "look",
        "image": source.name,
        "imagePullPolicy": "Never",
        "command": ["python", "-c", LOOK],
        # No user: the image's own must be one that the kubelet takes for another than root.
        "securityContext": {"runAsNonRoot": True, "readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False},
    }
    spec = {"restartPolicy": "Never", "automountServiceAccountToken": False, "containers": [look]}
    kubectl.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "look"}, "spec": spec})
    kubectl.run("wait", "pod/look", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s", timeout=70)

    told = json.loads(kubectl.run("logs", "look"))

    assert told["uid"] == 10001
    assert told["tools"] == []
    assert installs or told["pips"] == [], "nothing is installed into a running node"
    print(f"{source.title}: {told['bytes'] / MB:.0f} MB")
    assert 100 < told["bytes"] / MB < megabytes
