from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.books.memory import memory_folder


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Keep the books' files in memory."""
    with memory_folder() as folder:
        yield folder
