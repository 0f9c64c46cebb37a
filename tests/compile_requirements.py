"""Compile the hash-pinned requirements of the images and of development from pyproject.toml.

One resolution serves all: the images' files are compiled under the development file's constraints, so what is tested is
what is shipped. No index addresses are written.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEVELOPMENT = ROOT / "tests" / "requirements.txt"


def compile_requirements(output: Path, *extras: str, constrained: bool) -> None:
    """Write ``output`` with exact versions and hashes for every supported Python and platform."""
    command = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "compile",
        "pyproject.toml",
        "--universal",
        "--python-version",
        "3.12",
    ]
    command += ["--generate-hashes", "--no-emit-index-url", "--no-header", "--no-annotate", "--quiet"]
    for extra in extras:
        command += ["--extra", extra]
    if constrained:
        command += ["--constraints", str(DEVELOPMENT)]
    subprocess.run([*command, "--output-file", str(output)], cwd=ROOT, check=True)
    print(f"wrote {output.relative_to(ROOT)}")


def main() -> None:
    """Compile all three files."""
    compile_requirements(DEVELOPMENT, "operator", "node", "dev", constrained=False)
    compile_requirements(ROOT / "operator" / "requirements.txt", "operator", constrained=True)
    compile_requirements(ROOT / "node_image" / "requirements.txt", "node", constrained=True)


if __name__ == "__main__":
    main()
