"""The finished project of tests/stages."""

from tests.stages.conftest import finished  # noqa: F401
