"""The local cluster's start and end: etcd, the control plane, nodes and name service as processes of this machine."""

import json
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import (
    addons,
    cgroups,
    containers,
    control_plane,
    images,
    kubeconfig,
    machine,
    network,
    process,
    programs,
)
from tests.cluster import node as nodes_
from tests.cluster.answering import answers
from tests.cluster.api_server import wait_ready
from tests.cluster.buildah import remove_tree
from tests.cluster.control_plane import ControlPlane
from tests.cluster.errors import ClusterError
from tests.cluster.network import Network
from tests.cluster.node import Node
from tests.cluster.oci import Image
from tests.cluster.packages import CLUSTER, require_packages
from tests.cluster.paths import cache_dir, data_dir, state_dir
from tests.cluster.pki import Authority
from tests.cluster.process import AT_ONCE, Ending, Record
from tests.cluster.progress import Progress
from tests.cluster.shell import run
from tests.waiting import eventually

SYSTEM = "system"
_MACHINE = "machine.json"
_CNI = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))


@dataclass(frozen=True)
class Layout:
    """Where the parts of the machine's one cluster lie."""

    network: Network
    count: int

    @property
    def state(self) -> Path:
        """The state folder."""
        return state_dir()

    @property
    def records(self) -> Path:
        """The records of the processes."""
        return records_dir()

    @property
    def logs(self) -> Path:
        """The logs of the processes."""
        return self.state / "logs"

    @property
    def plane(self) -> ControlPlane:
        """The control plane, on the first node's address."""
        return ControlPlane(
            self.state / "control-plane",
            self.network.node(1),
            6443,
            self.network.services,
            self.network.api_service,
            self.network.pods,
        )

    @property
    def nodes(self) -> list[Node]:
        """The nodes."""
        return [
            Node(number, self.network, self.state / f"node-{number}", cache_dir() / "nodes" / f"node-{number}")
            for number in range(1, self.count + 1)
        ]


def records_dir() -> Path:
    """Return where the processes' records are."""
    return state_dir() / "processes"


def check_machine() -> None:
    """Say what is missing on a machine that cannot run the local cluster."""
    if os.geteuid() != 0:
        raise ClusterError(
            "a local cluster needs root (nodes mount, make links and control groups): run the command as root, "
            "or provide Docker and kind, which it then uses"
        )


def start(count: int, progress: Progress) -> Layout:
    """Start the cluster; on any failure the caller stops what there is."""
    check_machine()
    require_packages(CLUSTER, progress)
    kube, kubectl = programs.kube(progress), programs.kubectl_folder(progress) / "kubectl"
    layout = Layout(network.choose(network.taken()), count)
    with progress.stage("control plane") as stage:
        machine.remember(state_dir() / _MACHINE)
        cgroups.create(SYSTEM)
        network.create_link(layout.network, count)
        network.open_forwarding(layout.network)
        for node in layout.nodes:
            _start_containerd(layout, node)
        _identities(layout)
        stage.say("waiting for the API server")
        _start_api(layout, kube)
    with progress.stage(f"{count} node{'s' if count > 1 else ''}, name service") as stage:
        for name, command in (
            ("kube-controller-manager", control_plane.controller_manager(kube, layout.plane)),
            ("kube-scheduler", control_plane.scheduler(kube, layout.plane)),
        ):
            _start(layout, name, command)
        stage.say("images")
        ready_made = _images()
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda node: containers.load(node, ready_made), layout.nodes))
        for node in layout.nodes:
            _start_kubelet(layout, node, kube)
        _start_dns(layout, kube, kubectl)
        stage.say("waiting for nodes")
        _wait_ready(layout, kubectl)
        # It ends itself when it sees its node's address change, also from nothing to something.
        _start(layout, "kube-proxy", nodes_.proxy(kube, layout.nodes[0], layout.plane))
        proxy = f"http://{layout.network.node(1)}:10256/healthz"
        eventually(lambda: answers(proxy), "kube-proxy ready", within=30, failure=ClusterError)
    return layout


def _images() -> list[Image]:
    built = [images.layout().image(source.name) for source in images.ALL]
    return [images.pause(), *(image for image in built if image is not None)]


def _start(
    layout: Layout,
    name: str,
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    becomes: Sequence[str] | None = None,
    ending: Ending = AT_ONCE,
) -> Record:
    record = process.start(
        name, command, records=layout.records, logs=layout.logs, cwd=cwd, becomes=becomes, ending=ending
    )
    cgroups.join(SYSTEM, record.pid)
    return record


def _identities(layout: Layout) -> None:
    authority, plane = Authority(), layout.plane
    control_plane.write_files(plane, authority)
    for node in layout.nodes:
        pair = authority.server(f"system:node:{node.name}", [node.name, node.address], "system:nodes")
        pair.write(plane.tls, node.name)
        text = kubeconfig.kubeconfig(plane.server, authority.pem, pair)
        kubeconfig.write(plane.folder / f"{node.name}.kubeconfig", text)


def _start_api(layout: Layout, kube: Path) -> None:
    plane, data = layout.plane, data_dir() / "etcd"
    data_dir().mkdir(mode=0o711, exist_ok=True)
    etcd = _start(layout, "etcd", control_plane.etcd(kube, data), cwd=plane.folder)
    api = _start(layout, "kube-apiserver", control_plane.apiserver(kube, plane), cwd=plane.folder)
    wait_ready(plane, [etcd, api], layout.logs)


def _start_containerd(layout: Layout, node: Node) -> None:
    if not node.clean_mark.exists():
        # An earlier cluster did not end in order: who knows what its store says about containers.
        remove_tree(node.store)
    for folder in nodes_.PRIVATE_FOLDERS:
        remove_tree(node.private(folder))
        node.private(folder).mkdir(parents=True)
    node.clean_mark.unlink(missing_ok=True)
    node.store.mkdir(parents=True, exist_ok=True)
    cni = next((path for path in _CNI if (path / "ptp").exists()), None)
    if cni is None:
        raise ClusterError(f"no CNI plugins in {' or '.join(map(str, _CNI))}: install containernetworking-plugins")
    for name, text in {
        "containerd.toml": nodes_.containerd_config(node, cni),
        "cni/10-pods.conflist": nodes_.cni_config(node),
        "registries/_default/hosts.toml": nodes_.no_registry(),
        "resolv.conf": "",
        "enter.sh": nodes_.entry_script(node),
    }.items():
        (node.state / name).parent.mkdir(parents=True, exist_ok=True)
        (node.state / name).write_text(text, encoding="utf-8")
    final = nodes_.containerd(node)
    enter = ["unshare", "--mount", "--propagation", "slave", "--", "sh", str(node.state / "enter.sh")]
    # Its database of images stays for the next cluster.
    _start(layout, f"containerd-{node.name}", [*enter, *final], becomes=final, ending=Ending(grace=5))


def _start_kubelet(layout: Layout, node: Node, kube: Path) -> None:
    cgroup = cgroups.create(f"pods/{node.name}")
    settings = nodes_.kubelet_config(node, layout.plane, cgroup)
    (node.state / "kubelet.json").write_text(json.dumps(settings, indent=1), encoding="utf-8")
    final = nodes_.kubelet(kube, node, layout.plane)
    containerd = next(r for r in process.load(layout.records) if r.name == f"containerd-{node.name}")
    enter = ["nsenter", f"--mount=/proc/{containerd.pid}/ns/mnt", "--"]
    _start(layout, f"kubelet-{node.name}", [*enter, *final], becomes=final)


def _start_dns(layout: Layout, kube: Path, kubectl: Path) -> None:
    plane, address = layout.plane, layout.network.node(1)
    corefile = plane.folder / "Corefile"
    corefile.write_text(addons.corefile(address, plane.config("dns")), encoding="utf-8")
    _start(layout, "coredns", [str(kube.parent / "dns"), "-conf", str(corefile)])
    manifest = {"apiVersion": "v1", "kind": "List", "items": addons.objects(layout.network, address)}
    run([kubectl, "--kubeconfig", plane.config("admin"), "apply", "-f", "-"], stdin=json.dumps(manifest))


def _wait_ready(layout: Layout, kubectl: Path) -> None:
    admin = layout.plane.config("admin")
    address = layout.network.node(1)

    def nodes_ready() -> bool:
        for record in process.load(layout.records):
            process.ended_early(record, layout.logs)
        path = '{range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{" "}{end}'
        states = run([kubectl, "--kubeconfig", admin, "get", "nodes", "-o", f"jsonpath={path}"]).split()
        return states == ["True"] * layout.count

    eventually(
        nodes_ready, f"{layout.count} nodes Ready (logs: {layout.logs})", within=90, failure=ClusterError, every=0.2
    )
    eventually(lambda: answers(f"http://{address}:8181/ready"), "name service ready", within=30, failure=ClusterError)
    # Pods of every namespace need their default service account; the controllers make it.
    account: list[str | Path] = [
        kubectl,
        "--kubeconfig",
        admin,
        "get",
        "serviceaccount",
        "default",
        "-o=name",
        "--ignore-not-found",
    ]
    eventually(lambda: bool(run(account)), "controllers working", within=30, failure=ClusterError, every=0.2)


def stop(count: int) -> None:
    """Stop and remove everything, whatever of it there is; also after a crash or half a start."""
    layout = Layout(Network(0), count)
    records = {record.name: record for record in process.load(layout.records)}
    for name in [name for name in records if name.startswith("kubelet-")]:
        process.stop(records.pop(name), records=layout.records)
    cgroups.kill("pods/")
    for node in _all_nodes():
        record = records.pop(f"containerd-{node.name}", None)
        if record is not None:
            _stop_containerd(layout, node, record)
    for record in reversed(records.values()):
        process.stop(record, records=layout.records)
    # What a lost record does not name is still in our groups.
    cgroups.kill()
    cgroups.remove()
    network.remove_link()
    network.close_forwarding()
    network.remove_proxy_rules()
    remove_tree(data_dir())
    for node in _all_nodes():
        for folder in nodes_.PRIVATE_FOLDERS:
            remove_tree(node.private(folder))
    machine.restore(layout.state / _MACHINE)
    shutil.rmtree(layout.state, ignore_errors=True)


def _all_nodes() -> list[Node]:
    folder = cache_dir() / "nodes"
    numbers = sorted(int(path.name.removeprefix("node-")) for path in folder.glob("node-*")) if folder.is_dir() else []
    state = state_dir()
    return [Node(n, Network(0), state / f"node-{n}", folder / f"node-{n}") for n in numbers]


def _stop_containerd(layout: Layout, node: Node, record: Record) -> None:
    clean = False
    if process.alive(record):
        try:
            containers.clear(node)
            clean = True
        except ClusterError:
            # The store is then made anew by the next start.
            clean = False
    process.stop(record, records=layout.records)
    remove_tree(node.store / "io.containerd.grpc.v1.cri")
    if clean:
        node.clean_mark.touch()


def leftovers() -> list[str]:
    """Name everything of the cluster that is still on the machine; empty after `stop`."""
    found = [f"process {record.name} ({record.pid})" for record in process.load(records_dir())]
    found += [f"process {pid} in the cluster's control group" for pid in sorted(cgroups.processes())]
    found += cgroups.leftovers() + network.leftovers()
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    owned = (str(state_dir()), str(cache_dir()))
    found += [f"mount {text.split()[1]}" for text in mounts if text.split()[1].startswith(owned)]
    return found + [f"folder {path}" for path in (state_dir(), data_dir()) if path.exists()]
