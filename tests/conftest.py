"""What holds for all tests."""

from tests import examples

examples.register()
