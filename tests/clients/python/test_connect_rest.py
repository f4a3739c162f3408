"""kafka-connect-py, a client of Kafka Connect's REST API from PyPI: a connector's whole life."""

import os
import time

import pytest
from kafka_connect import KafkaConnect
from requests.exceptions import HTTPError

CLASS = "org.apache.kafka.connect.file.FileStreamSinkConnector"


@pytest.fixture
def connect():
    return KafkaConnect(url=os.environ["REST"])


def states(connect, name):
    status = connect.get_connector_status(name)
    return status["connector"]["state"], [task["state"] for task in status["tasks"]]


def expect(connect, name, expected):
    deadline = time.monotonic() + 60
    while states(connect, name) != expected:
        assert time.monotonic() < deadline, (states(connect, name), expected)
        time.sleep(0.05)


def test_a_connectors_life(connect, tmp_path):
    assert connect.get_cluster_info()["version"].startswith("4.")
    assert any(plugin["class"] == CLASS for plugin in connect.list_connector_plugins())
    config = {"connector.class": CLASS, "file": "rest-client.txt", "topics": "rest-client"}
    assert connect.validate_connector_config("FileStreamSinkConnector", {"name": "rest", **config})["error_count"] == 0

    created = connect.create_connector({"name": "rest", "config": config})
    assert created["config"] == {"name": "rest", **config} and created["type"] == "sink"
    with pytest.raises(HTTPError, match="409"):
        connect.create_connector({"name": "rest", "config": config})
    expect(connect, "rest", ("RUNNING", ["RUNNING"]))
    assert list(connect.list_connectors(expand="status", pattern="^rest$", state="RUNNING")) == ["rest"]
    assert connect.list_connector_tasks("rest")[0]["id"] == {"connector": "rest", "task": 0}
    assert connect.get_connector_task_status("rest", 0)["state"] == "RUNNING"

    assert connect.update_connector("rest", {**config, "tasks.max": "1"})["name"] == "rest"
    expect(connect, "rest", ("RUNNING", ["RUNNING"]))
    assert connect.get_connector_config("rest") == {"name": "rest", "tasks.max": "1", **config}
    connect.pause_connector("rest")
    expect(connect, "rest", ("PAUSED", ["PAUSED"]))
    connect.resume_connector("rest")
    expect(connect, "rest", ("RUNNING", ["RUNNING"]))
    # Python says True where JSON says true.
    assert connect.restart_connector("rest", include_tasks=True)["tasks"][0]["state"] == "RESTARTING"
    expect(connect, "rest", ("RUNNING", ["RUNNING"]))
    connect.restart_connector_task("rest", 0)
    expect(connect, "rest", ("RUNNING", ["RUNNING"]))
    connect.reset_connector_topics("rest")
    assert connect.list_connector_topics("rest") == {"rest": {"topics": []}}
    connect.stop_connector("rest")
    expect(connect, "rest", ("STOPPED", []))
    connect.delete_connector("rest")
    assert "rest" not in connect.list_connectors()
    with pytest.raises(HTTPError, match="404"):
        connect.get_connector("rest")
