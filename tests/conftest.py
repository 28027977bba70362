"""Loaded before every test, so that nobody has imported the contract suites yet.

They are modules, not tests: what they assert is to be explained all the same.
"""

import pytest

pytest.register_assert_rewrite(
    *(f"tests.contract.{port}" for port in ("broker", "clock", "identities", "journal", "store"))
)
