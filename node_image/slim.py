"""Takes out of an installed environment what a running node never reads, and says what and why.

``python slim.py SITE_PACKAGES``: run while the image is built; prove_imports.py then holds the result against what
could be imported before. A rule that matches nothing is an error: the table stays true.
"""

import shutil
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ELF_MAGIC = b"\x7fELF"
ELF_64_LITTLE = b"\x02\x01"
HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")


@dataclass(frozen=True)
class Rule:
    """What to take out: a glob below site-packages, and why nobody misses it."""

    pattern: str
    why: str


RULES = (
    Rule("pandas/tests", "pandas' own tests"),
    Rule("numpy/**/tests", "numpy's own tests"),
    Rule("numpy/_core/include", "headers for compiling against numpy"),
    Rule("numpy/**/*.a", "libraries for linking against numpy"),
    Rule("pyarrow/tests", "pyarrow's own tests"),
    Rule("pyarrow/include", "headers for compiling against Arrow"),
    Rule("pyarrow/includes", "declarations for compiling against pyarrow"),
    Rule("pyarrow/src", "sources for compiling against pyarrow"),
    Rule("pyarrow/_pyarrow_cpp_tests*", "Arrow's own tests"),
    Rule("pyarrow/*flight*", "an RPC protocol for tables: no catalog is read that way"),
    Rule("pyarrow/libarrow_s3.so*", "Arrow's own S3 client: catalogs are mounted, or read by Nautilus' Rust client"),
    Rule("pyarrow/_s3fs*", "the same"),
    Rule("pyarrow/libarrow_python*.so", "copies for linking; programs load the versioned name"),
    Rule("pyarrow/libarrow_python*.so.*.*", "copies under the full version; programs load the short one"),
    Rule("fsspec/tests", "fsspec's own tests"),
    Rule("nautilus_trader/test_kit", "stubs for tests"),
    Rule("**/*.pyx", "Cython sources of what is compiled"),
    Rule("**/*.pxd", "Cython declarations"),
    Rule("**/*.pxi", "Cython includes"),
    Rule("**/*.pyi", "type declarations"),
)


@dataclass(frozen=True)
class Removal:
    """What one rule took out."""

    rule: Rule
    paths: int
    bytes: int


def remove(site: Path, rules: tuple[Rule, ...] = RULES) -> list[Removal]:
    """Apply rules in their order. Raises LookupError for rules that match nothing."""
    removals = [_apply(site, rule) for rule in rules]
    idle = [removal.rule.pattern for removal in removals if not removal.paths]
    if idle:
        raise LookupError(f"these rules match nothing any more, take them out of slim.py: {', '.join(idle)}")
    return removals


def _apply(site: Path, rule: Rule) -> Removal:
    paths = [path for path in site.glob(rule.pattern) if path.exists()]
    freed = 0
    for path in paths:
        freed += size_of(path)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return Removal(rule, len(paths), freed)


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files below a folder."""
    if path.is_dir() and not path.is_symlink():
        return sum(size_of(child) for child in path.iterdir())
    return path.lstat().st_size


def shared_objects(site: Path) -> Iterator[Path]:
    """Yield the native libraries below a folder."""
    for path in sorted(site.rglob("*.so*")):
        if path.is_file() and not path.is_symlink():
            yield path


def strip(path: Path) -> int:
    """Cut from a native library what only linkers and debuggers read; return the freed bytes.

    The loader of the system follows the program headers alone. So everything behind the last segment can go, which is
    where symbol tables, debug information and the table of sections are. Files of another kind are left alone.
    """
    content = path.read_bytes()
    if len(content) < HEADER.size or not content.startswith(ELF_MAGIC) or content[4:6] != ELF_64_LITTLE:
        return 0
    fields = list(HEADER.unpack_from(content))
    program_offset, program_size, programs = fields[5], fields[9], fields[10]
    end: int = program_offset + program_size * programs
    if end > len(content):
        return 0
    for number in range(programs):
        _, _, offset, _, _, file_size, _, _ = PROGRAM_HEADER.unpack_from(
            content, program_offset + number * program_size
        )
        end = max(end, offset + file_size)
    if end >= len(content):
        return 0
    fields[6] = fields[11] = fields[12] = fields[13] = 0  # no table of sections
    mode = path.stat().st_mode
    path.write_bytes(HEADER.pack(*fields) + content[HEADER.size : end])
    path.chmod(mode)
    return len(content) - end


def main(arguments: list[str]) -> int:
    """Slim the given site-packages and print the account."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print("usage: slim.py SITE_PACKAGES", file=sys.stderr)
        return 2
    site = Path(arguments[0])
    before = size_of(site)
    try:
        removals = remove(site)
    except LookupError as error:
        print(f"slim.py: {error}", file=sys.stderr)
        return 1
    for removal in removals:
        print(f"{removal.bytes / 1e6:8.1f} MB  {removal.rule.pattern:36}  {removal.rule.why}")
    stripped = sum(strip(path) for path in shared_objects(site))
    print(f"{stripped / 1e6:8.1f} MB  {'symbols of native libraries':36}  read by linkers and debuggers")
    print(f"{before / 1e6:8.1f} MB before, {size_of(site) / 1e6:.1f} MB after")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
