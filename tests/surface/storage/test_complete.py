from __future__ import annotations

import pytest
from google.cloud.storage import Blob, Bucket, Client

from tests.surface.introspect import uncovered


@pytest.mark.parametrize("owner", [Client, Bucket, Blob])
def test_every_public_name_has_a_case(owner: type) -> None:
    assert uncovered(owner, "tests.surface.storage") == []
