"""Bad calls of the executor API, by someone who poses as an executor."""
import base64
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from http_raw import (EXECUTOR, JSON, PROTOBUF, Events, Raw, call, exchange, message, parse_json,
                      pb_id, refused, request,
                      varint, watched)
from souk_cluster import agent_of, check, equal, run_tests, scalar, task_info, wait_for

NO_TYPE = "Failed to validate executor::Call: Expecting 'type' to be present"
PARSE = "Failed to parse body into Call protobuf"


def set_up(cluster):
    """One agent, and an executor that only sleeps, in whose name the tests speak; a task waits."""
    cluster.node_ = cluster.local("--agents=1", "--resources=cpus:2;mem:512",
                                  "--offer_timeout=0secs")
    cluster.main = cluster.scheduler(port=cluster.node_.port, name="main")
    offers = cluster.main.wait_offers()
    executor = {"executor_id": {"value": "sleeper"}, "command": {"value": "exec sleep 1000"},
                "resources": [scalar("cpus", 0.1), scalar("mem", 32)]}
    cluster.main.launch(offers, task_info("t", agent_of(offers), None, executor=executor))
    pid = cluster.node_.state()["slaves"][0]["pid"]
    cluster.agent_port = int(pid.rsplit(":", 1)[1])
    cluster.me = {"framework_id": {"value": cluster.main.id}, "executor_id": {"value": "sleeper"}}
    wait_for(lambda: ask(cluster, {"type": "MESSAGE", **cluster.me,
                                   "message": {"data": ""}}).status == 403,
             "the executor to run")


def ask(cluster, body, content_type=JSON, **headers):
    return exchange(cluster.agent_port, call(EXECUTOR, body, content_type, **headers))


def mine(cluster, kind, body=None, **more):
    return {"type": kind, **cluster.me, **({kind.lower(): body} if body is not None else {}),
            **more}


def status(state="TASK_RUNNING", **more):
    made = {"task_id": {"value": "t"}, "state": state, "source": "SOURCE_EXECUTOR",
            "uuid": base64.b64encode(os.urandom(16)).decode(), "executor_id": {"value": "sleeper"},
            **more}
    return {"status": made}


def pb_status(state, uuid, source=2):
    return message((1, pb_id("t")), (2, state), (9, source), (11, uuid), (7, pb_id("sleeper")))


def pb_call(cluster, kind, *body):
    return message((1, pb_id("sleeper")), (2, pb_id(cluster.main.id)), (3, kind), *body)


# --- form


def test_methods_and_types(cluster):
    for method in ("GET", "PUT", "DELETE", "post"):
        answer = exchange(cluster.agent_port, request(method, EXECUTOR, b"{}"))
        refused(answer, 405, "Expecting one of { 'POST' }")
    refused(exchange(cluster.agent_port, request("POST", EXECUTOR, b"{}")), 400, "Content-Type")
    for kind in ("text/plain", "application/json; charset=utf-8", "application/recordio", ""):
        refused(ask(cluster, mine(cluster, "HEARTBEAT"), kind), 415,
                "application/json or application/x-protobuf")
    for header in ("text/html", "application/json;q=0"):
        refused(ask(cluster, mine(cluster, "SUBSCRIBE"), Accept=header), 406)


def test_calls_of_no_kind(cluster):
    for body in (cluster.me, {**cluster.me, "type": "NO_SUCH_CALL"}, {**cluster.me, "type": None}):
        answer = ask(cluster, body)
        equal((answer.status, answer.text), (400, NO_TYPE))
    refused(ask(cluster, mine(cluster, "UNKNOWN")), 501, "UNKNOWN")
    refused(ask(cluster, pb_call(cluster, 0), PROTOBUF), 501, "UNKNOWN")
    for kind in ("UPDATE", "MESSAGE"):
        refused(ask(cluster, mine(cluster, kind)), 400,
                f"executor::Call: Expecting '{kind.lower()}' to be present")
    refused(ask(cluster, {"type": "SUBSCRIBE"}), 400, PARSE,
            "missing required field: executor_id, framework_id")
    refused(ask(cluster, mine(cluster, "UPDATE", {})), 400, PARSE, "missing required field: status")
    refused(ask(cluster, mine(cluster, "MESSAGE", {})), 400, PARSE, "missing required field: data")
    refused(ask(cluster, mine(cluster, "MESSAGE", {"data": "*"})), 400, PARSE)
    refused(ask(cluster, mine(cluster, "UPDATE", status("TASK_ASLEEP"))), 400, PARSE)


def test_malformed(cluster):
    for body in (b"", b"{", b"[]", b"null", b"42", b"[" * 100_000, b'{"type":"SUBSCRIBE"}}',
                 b"\xff" * 20,
                 b'{"executor_id":{"value":"\xff"}}'):
        refused(ask(cluster, body), 400, PARSE)
    for body in (b"\xff" * 20, b"{}", b"\x0a" + varint(-1), b"\x0b" * 100_000, message((1, "x"))):
        refused(ask(cluster, body, PROTOBUF), 400, PARSE)


def test_an_update_cut_at_every_byte(cluster):
    whole = json.dumps(mine(cluster, "UPDATE", status())).encode()
    binary = pb_call(cluster, 2, (5, message((1, pb_status(1, bytes(range(16)))))))
    with Raw(cluster.agent_port) as raw:
        for data, content_type in ((whole, JSON), (binary, PROTOBUF)):
            for at in range(len(data)):
                answer = raw.ask(call(EXECUTOR, data[:at], content_type))
                check(answer is not None and answer.status == 400, f"cut at {at}: {answer}")
    equal(cluster.main.states("t"), [], "no update was taken")


def test_huge(cluster):
    refused(exchange(cluster.agent_port, request("POST", EXECUTOR, Content_Type=JSON,
                                                 Content_Length=33 << 20)), 413)
    refused(exchange(cluster.agent_port, request("POST", EXECUTOR, X_Long="x" * 70_000)), 431)


# --- who is calling


def test_strangers(cluster):
    for who, text in (({"framework_id": {"value": "nobody"}}, "Framework cannot be found"),
                      ({"framework_id": {"value": ""}}, "Framework cannot be found"),
                      ({"executor_id": {"value": "nobody"}}, "Executor cannot be found"),
                      ({"executor_id": {"value": "../sleeper"}}, "Executor cannot be found")):
        for body in (mine(cluster, "SUBSCRIBE", {}), mine(cluster, "UPDATE", status()),
                     mine(cluster, "MESSAGE", {"data": "AAAA"})):
            answer = ask(cluster, {**body, **who})
            equal((answer.status, answer.text), (400, text), f"{who}")
        equal(ask(cluster, {**mine(cluster, "HEARTBEAT"), **who}).status, 202,
              "taken before any look-up")


def test_not_subscribed(cluster):
    for body in (mine(cluster, "UPDATE", status()), mine(cluster, "MESSAGE", {"data": "AAAA"})):
        answer = ask(cluster, body)
        equal((answer.status, answer.text), (403, "Executor is not subscribed"))


def test_the_executor_of_a_command_is_none_of_the_api(cluster):
    cluster.main.run("command", "sleep 1000")
    cluster.main.wait_status("command", "TASK_RUNNING")
    body = mine(cluster, "SUBSCRIBE", {}, executor_id={"value": "command"})
    answer = ask(cluster, body)
    equal((answer.status, answer.text), (400, "Executor cannot be found"))
    cluster.main.kill("command", grace=0)
    cluster.main.wait_terminal("command")


# --- updates, by an executor that is subscribed


def test_updates(cluster):
    subscribe = mine(cluster, "SUBSCRIBE", {"unacknowledged_tasks": None,
                                            "unacknowledged_updates": None})
    with Events(cluster.agent_port, EXECUTOR, subscribe) as events:
        equal(events.opened.status, 200)
        equal(events.id, None, "no Mesos-Stream-Id here")
        first = events.event()
        equal((first["type"], first["subscribed"]["executor_info"]["executor_id"]["value"]),
              ("SUBSCRIBED", "sleeper"))
        equal(events.event("LAUNCH")["launch"]["task"]["task_id"]["value"], "t")
        for change, word in (({"uuid": None}, "uuid"), ({"uuid": ""}, "uuid"),
                             ({"uuid": "AAAA"}, "uuid"),
                             ({"source": None}, "SOURCE_EXECUTOR"),
                             ({"source": "SOURCE_MASTER"}, "SOURCE_EXECUTOR"),
                             ({"source": "SOURCE_AGENT"}, "SOURCE_EXECUTOR"),
                             ({"state": "TASK_STAGING"}, "TASK_STAGING"),
                             ({"executor_id": {"value": "other"}}, "other"),
                             ({"task_id": {"value": ""}}, "task_id")):
            refused(ask(cluster, mine(cluster, "UPDATE", status(**change))), 400, word)
        for change in ({"state": None}, {"task_id": None}, {"task_id": {}}):
            refused(ask(cluster, mine(cluster, "UPDATE", status(**change))), 400,
                    "missing required field")
        refused(ask(cluster, pb_call(cluster, 2, (5, message((1, pb_status(1, b"\0" * 15))))),
                    PROTOBUF), 400, "uuid")
        equal(cluster.main.states("t"), [], "no update was taken")
        for unknown in ("unheard-of", "../t", "x" * 1000):
            made = status(task_id={"value": unknown})
            equal(ask(cluster, mine(cluster, "UPDATE", made)).status, 202)
            told = events.event("ACKNOWLEDGED")["acknowledged"]
            equal((told["task_id"]["value"], told["uuid"]), (unknown, made["status"]["uuid"]))
        made = status(message="gr\u00f6\u00dfe \u2028", executor_id=None)
        for _ in range(3):  # said again, it counts once
            answer = ask(cluster, mine(cluster, "UPDATE", made), Mesos_Stream_Id="")
            equal((answer.status, answer.body), (202, b""))
            equal(events.event("ACKNOWLEDGED")["acknowledged"]["uuid"], made["status"]["uuid"])
        cluster.main.wait_status("t", "TASK_RUNNING", message="gr\u00f6\u00dfe \u2028")
        equal(ask(cluster, mine(cluster, "MESSAGE", {"data": "AP8="})).status, 202)
        equal(cluster.main.wait_event("MESSAGE")["message"]["data"], "AP8=")
        with Events(cluster.agent_port, EXECUTOR, subscribe, accept=PROTOBUF) as second:
            equal(second.message()[1], [1], "SUBSCRIBED")
            check(events.event("KILL") is None, "the second subscriber wins")
            uuid = bytes(range(16))
            equal(ask(cluster, pb_call(cluster, 2, (5, message((1, pb_status(2, uuid))))),
                      PROTOBUF).status, 202)
            equal(cluster.main.wait_terminal("t")["uuid"], base64.b64encode(uuid).decode())
            late = status("TASK_RUNNING")
            equal(ask(cluster, mine(cluster, "UPDATE", late)).status, 202)
    equal([each for each in cluster.main.states("t") if each != "TASK_RUNNING"], ["TASK_FINISHED"])


# --- what else an agent serves


def test_paths(cluster):
    refused(exchange(cluster.agent_port, request("GET", "/nothing")), 404,
            "There is nothing at '/nothing'")
    refused(exchange(cluster.agent_port, request("POST", "/api/v1", b"{}", Content_Type=JSON)), 501)
    for path in ("/state", "/state.json", "/slave(1)/state", "/slave(1)/state.json",
                 "/slave(1)/state/", "/monitor/statistics",
                 "/monitor/statistics.json", "/containers", "/version", "/flags",
                 "/metrics/snapshot"):
        answer = exchange(cluster.agent_port, request("PUT", path, b"whatever"))
        equal((answer.status, answer.header("Content-Type")), (200, JSON), path)
        parse_json(answer.body)
    answer = exchange(cluster.agent_port, request("GET", "/health"))
    equal((answer.status, answer.body), (200, b""))


def test_files_stay_inside(cluster):
    for path in ("/etc/passwd", "../../../etc/passwd", "/frameworks/../../../../etc/passwd",
                 "/frameworks/%2e%2e", "\0", ""):
        for kind in ("read", "raw", "browse"):
            target = f"/files/{kind}?path=" + "".join(f"%{byte:02x}" for byte in path.encode())
            answer = exchange(cluster.agent_port, request("GET", target))
            check(answer is not None and answer.status in (400, 403, 404),
                  f"{kind} {path!r}: {answer}")
            check(b"root:" not in answer.body, path)
    for tail in ("offset=x", "offset=-2", "length=-2", "offset=99999999999999999999"):
        refused(exchange(cluster.agent_port, request("GET", "/files/read?path=/slave/log&" + tail)),
                400)
    refused(exchange(cluster.agent_port, request("GET", "/files/debug")), 404)


def test_at_the_end_all_is_as_ever(cluster):
    cluster.main.run("as-ever", "true")
    equal(cluster.main.wait_terminal("as-ever")["state"], "TASK_FINISHED")


if __name__ == "__main__":
    run_tests(watched(globals(), lambda cluster: [cluster.node_]), set_up)
