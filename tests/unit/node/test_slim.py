"""Slimming takes out what its table says, keeps libraries loadable, and is held against a proof."""

import ctypes
import importlib.util
import random
import shutil
import sys
from pathlib import Path
from types import ModuleType

import multidict
import pytest

NODE_IMAGE = Path(__file__).parents[3] / "node_image"


def load(name: str) -> ModuleType:
    """Import a program of the image's build, which is no module of a package."""
    spec = importlib.util.spec_from_file_location(f"node_image_{name}", NODE_IMAGE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


slim = load("slim")
prove = load("prove_imports")
LIBRARY = next(Path(multidict.__file__).parent.glob("_multidict*.so"))


def test_what_a_rule_names_goes_and_the_rest_stays(tmp_path: Path) -> None:
    for name in ("big/tests/data.bin", "big/core.py", "big/deep/x.pyx", "other/tests/keep.py"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * 100)
    rules = (slim.Rule("big/tests", "tests"), slim.Rule("**/*.pyx", "sources"))
    removals = slim.remove(tmp_path, rules)
    assert [(removal.paths, removal.bytes) for removal in removals] == [(1, 100), (1, 100)]
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["big/core.py", "other/tests/keep.py"]


def test_a_rule_that_matches_nothing_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(LookupError, match="nowhere"):
        slim.remove(tmp_path, (slim.Rule("nowhere", "never"),))
    assert slim.main([str(tmp_path)]) == 1
    assert "take them out of slim.py" in capsys.readouterr().err
    assert slim.main([]) == 2


def test_every_rule_says_why_and_none_is_written_twice() -> None:
    assert all(rule.why for rule in slim.RULES)
    assert len({rule.pattern for rule in slim.RULES}) == len(slim.RULES)


def test_a_stripped_library_still_loads(tmp_path: Path) -> None:
    library = tmp_path / LIBRARY.name
    shutil.copy(LIBRARY, library)
    mode = library.stat().st_mode
    freed = slim.strip(library)
    assert freed > 0
    assert library.stat().st_size == LIBRARY.stat().st_size - freed
    assert library.stat().st_mode == mode
    assert ctypes.PyDLL(str(library)).PyInit__multidict is not None
    assert slim.strip(library) == 0


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"#!/bin/sh\n", b"\x7fELF\x01\x01" + bytes(100)])
def test_what_is_no_library_is_left_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "linker-script.so"
    file.write_bytes(content)
    assert slim.strip(file) == 0
    assert file.read_bytes() == content


def test_a_truncated_library_is_cut_no_further_than_its_segments(tmp_path: Path) -> None:
    rng = random.Random(5)
    content = LIBRARY.read_bytes()
    file = tmp_path / "truncated.so"
    for length in (10, 63, 64, 100, *(rng.randrange(len(content)) for _ in range(10))):
        file.write_bytes(content[:length])
        freed = slim.strip(file)
        assert file.stat().st_size == length - freed
        assert content[64:].startswith(file.read_bytes()[64:])


def test_the_proof_finds_what_can_no_longer_be_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    package = tmp_path / "slimmable"
    (package / "tests").mkdir(parents=True)
    for name in ("__init__.py", "needed.py", "tests/__init__.py", "tests/test_it.py"):
        (package / name).write_text("")
    (package / "broken.py").write_text("import not_installed_anywhere")
    (package / "fatal.py").write_text("raise SystemExit(1)")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(prove, "NEEDED", ("slimmable.needed",))
    notes = tmp_path / "modules.txt"
    assert prove.main(["record", str(notes), "slimmable"]) == 0
    assert notes.read_text().split() == ["slimmable", "slimmable.needed"]
    assert prove.main(["check", str(notes)]) == 0
    assert prove.main(["require", "slimmable"]) == 1
    assert "slimmable.broken cannot be imported: ModuleNotFoundError" in capsys.readouterr().err
    (package / "needed.py").unlink()
    for name in ("slimmable", "slimmable.needed"):
        sys.modules.pop(name, None)
    importlib.invalidate_caches()
    assert prove.main(["check", str(notes)]) == 1
    assert "slimmable.needed cannot be imported" in capsys.readouterr().err
    assert prove.main(["record", str(notes), "slimmable"]) == 1
    assert prove.main([]) == 2
