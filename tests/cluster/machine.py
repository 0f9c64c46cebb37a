"""What the cluster changes on the machine outside its own folders, noted first and put back afterwards."""

import json
import shutil
from pathlib import Path

from tests.cluster.node import PRIVATE_FOLDERS

# Set by the kubelet and the network plugins for the whole machine.
SYSCTLS = (
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys",
    "net/ipv4/conf/all/forwarding",
    "net/ipv4/conf/all/route_localnet",
    "net/ipv4/ip_forward",
    "net/ipv4/vs/conntrack",
    "net/netfilter/nf_conntrack_tcp_be_liberal",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
)
_MOUNT_NOTES = Path("/run/mount")


def remember(note: Path) -> None:
    """Note the settings and which folders there were, unless an earlier, unfinished start has done so."""
    if note.exists():
        return
    values = {name: value for name in SYSCTLS if (value := _read(name)) is not None}
    made = [folder for folder in PRIVATE_FOLDERS if not Path(folder).exists()]
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(
        json.dumps({"sysctls": values, "made": made, "mount_notes": _MOUNT_NOTES.exists()}), encoding="utf-8"
    )
    for folder in PRIVATE_FOLDERS:
        Path(folder).mkdir(parents=True, exist_ok=True)


def restore(note: Path) -> None:
    """Put the settings back and remove the mount points that we made."""
    try:
        noted = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    for name, value in noted["sysctls"].items():
        if _read(name) not in {None, value}:
            (Path("/proc/sys") / name).write_text(value, encoding="ascii")
    for folder in noted["made"]:
        try:
            Path(folder).rmdir()
        except OSError:
            # Somebody else uses it by now.
            continue
    if not noted.get("mount_notes", True) and {path.name for path in _MOUNT_NOTES.glob("*")} <= {"utab", "utab.lock"}:
        # mount(8) makes it, also in a mount namespace of its own.
        shutil.rmtree(_MOUNT_NOTES, ignore_errors=True)
    note.unlink()


def _read(name: str) -> str | None:
    try:
        return (Path("/proc/sys") / name).read_text(encoding="ascii").strip()
    except OSError:
        return None
