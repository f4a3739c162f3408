"""What the test files share: where the broker is, and a topic name that no other test uses."""

import os
import uuid

import pytest

# What Kafka Connect's JSON converter writes for the line `test`, as cargo xtask clients hands it over.
CONNECT_TEST = os.environ["CONNECT_TEST"].encode()


@pytest.fixture
def bootstrap():
    return os.environ["BOOTSTRAP"]


@pytest.fixture
def topic():
    return f"py-{uuid.uuid4().hex[:12]}"
