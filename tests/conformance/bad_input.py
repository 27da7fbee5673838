"""Bad calls of the scheduler API: each gets the documented status and text, and changes nothing."""
import base64
import json
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from http_raw import (JSON, PROTOBUF, SCHEDULER, Events, Raw, call, chunked, decode, exchange,
                      message, parse_json, pb_accept,
                      pb_acknowledge, pb_framework, pb_id, pb_subscribe, pb_task, refused, request,
                      varint, watched)
from souk_cluster import agent_of, check, equal, run_tests, task_info, wait_for

INFO = {"user": "root", "name": "bad input", "capabilities": [{"type": "PARTITION_AWARE"}]}
PARSE = "Failed to parse body into Call protobuf"
VALIDATE = "Failed to validate scheduler::Call: "
NO_TYPE = "Failed to validate scheduler::Call: Expecting 'type' to be present"


def set_up(cluster):
    cluster.node_ = cluster.local("--agents=1", "--resources=cpus:4;mem:1024",
                                  "--heartbeat_interval=1secs",
                                  "--offer_timeout=0secs")
    cluster.port = cluster.node_.port
    cluster.main = cluster.scheduler(port=cluster.port, name="main")
    cluster.main.wait_offers()


def subscribe(info=None, **more):
    return {"type": "SUBSCRIBE", "subscribe": {"framework_info": {**INFO, **(info or {})}}, **more}


def ask(cluster, body, content_type=JSON, **headers):
    return exchange(cluster.port, call(SCHEDULER, body, content_type, **headers))


def ours(cluster, kind, body=None, **more):
    """A call of the main scheduler, right so far."""
    made = {"type": kind, "framework_id": {"value": cluster.main.id}, **more}
    return {**made, **({kind.lower(): body} if body is not None else {})}


def say(cluster, body, content_type=JSON, **headers):
    """With the right stream id."""
    return ask(cluster, body, content_type, **{"Mesos_Stream_Id": cluster.main.stream.id,
                                               **headers})


def make_way(cluster):
    """The main scheduler has no offers, until it calls REVIVE."""
    cluster.main.call("SUPPRESS")
    cluster.main.decline(*cluster.main.offers.values())


def teardown(cluster, framework, stream):
    answer = ask(cluster, {"type": "TEARDOWN", "framework_id": {"value": framework}},
                 Mesos_Stream_Id=stream)
    equal(answer.status, 202, answer.text)


def frameworks(cluster):
    return {each["id"]: each for each in cluster.node_.state()["frameworks"]}


# --- methods and headers


def test_methods(cluster):
    for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW", "post"):
        answer = exchange(cluster.port, request(method, SCHEDULER, b"{}",
                                                Content_Type="text/plain"))
        refused(answer, 405, "Expecting one of { 'POST' }", f"'{method}'")
        equal(answer.header("Allow"), "POST")


def test_content_types(cluster):
    refused(exchange(cluster.port, request("POST", SCHEDULER, b"{")), 400,
            "Expecting 'Content-Type' to be present")
    for kind in ("text/plain", "application/json; charset=utf-8", "application/json;charset=utf-8",
                 "Application/JSON",
                 "application/x-protobuf; v=1", "application/protobuf", "application/recordio",
                 "json", "*/*", ""):
        refused(ask(cluster, b"{", kind), 415, "application/json or application/x-protobuf")


def test_accept(cluster):
    for header in ("text/html", "application/xml, text/*", "application/json;q=0",
                   "application/json; q=0.0, text/html",
                   "image/*;q=1", "application/recordio"):
        answer = ask(cluster, subscribe(), Accept=header)
        refused(answer, 406, "application/json or application/x-protobuf")
    for header, kind in ((None, JSON), ("*/*", JSON), ("application/*", JSON),
                         ("text/html, */*;q=0.1", JSON),
                         (PROTOBUF, PROTOBUF), ("application/json;q=0, */*", PROTOBUF),
                         ("application/x-protobuf, application/json", JSON), ("", JSON)):
        with Raw(cluster.port) as raw:
            raw.send(call(SCHEDULER, subscribe(), Accept=header))
            answer = raw.head()
            equal((answer.status, answer.header("Content-Type")), (200, kind), f"Accept: {header}")
            equal(answer.header("Transfer-Encoding"), "chunked")
            check(len(answer.header("Mesos-Stream-Id")) == 36, "a uuid")
    answer = say(cluster, ours(cluster, "DECLINE", {}), Accept="text/html")
    equal((answer.status, answer.body, answer.header("Content-Type")), (202, b"", None),
          "Accept is SUBSCRIBE's only")


def test_order_of_checks(cluster):
    refused(exchange(cluster.port, request("GET", SCHEDULER)), 405)
    refused(ask(cluster, b"{", "text/plain", Accept="text/html"), 415)
    refused(ask(cluster, b"{", Accept="text/html"), 400, PARSE)
    refused(ask(cluster, subscribe(), Accept="text/html", Mesos_Stream_Id="x"), 406)
    refused(ask(cluster, subscribe(), Mesos_Stream_Id="x"), 400,
            "should not include the 'Mesos-Stream-Id'")
    refused(ask(cluster, {"type": "KILL", "framework_id": {"value": "nobody"}}), 400,
            VALIDATE + "Expecting 'kill'")


# --- types of calls


def test_types(cluster):
    of_nobody = {"framework_id": {"value": "nobody"}}
    for body in ({}, of_nobody, {"type": None}, {"type": "NO_SUCH_CALL", **of_nobody},
                 {"type": 99, **of_nobody},
                 {"type": "", **of_nobody}, {"type": "subscribe"}):
        answer = ask(cluster, body)
        refused(answer, 400)
        check(answer.text == NO_TYPE or PARSE in answer.text, f"{body}: {answer}")
    equal(ask(cluster, {}).text, NO_TYPE)
    equal(ask(cluster, {"type": "NO_SUCH_CALL", **of_nobody}).text, NO_TYPE)
    for body in ({"type": "UNKNOWN"}, {"type": "UNKNOWN", **of_nobody}):
        refused(ask(cluster, body), 501, "UNKNOWN")
    refused(ask(cluster, message((2, 0)), PROTOBUF), 501, "UNKNOWN")
    for body in (b"", message((1, pb_id("x"))), message((2, 99)), message((2, -1)),
                 message((2, 1 << 40 | 99))):
        equal((ask(cluster, body, PROTOBUF).status, ask(cluster, body, PROTOBUF).text),
              (400, NO_TYPE))


def test_missing_parts(cluster):
    refused(ask(cluster, {"type": "SUBSCRIBE"}), 400,
            VALIDATE + "Expecting 'subscribe' to be present")
    for kind in ("ACCEPT", "DECLINE", "KILL", "SHUTDOWN", "ACKNOWLEDGE", "RECONCILE", "MESSAGE",
                 "REQUEST",
                 "UPDATE_FRAMEWORK", "ACCEPT_INVERSE_OFFERS", "DECLINE_INVERSE_OFFERS",
                 "ACKNOWLEDGE_OPERATION_STATUS", "RECONCILE_OPERATIONS"):
        refused(say(cluster, ours(cluster, kind)), 400,
                VALIDATE + f"Expecting '{kind.lower()}' to be present")
        refused(say(cluster, {"type": kind, kind.lower(): None}), 400,
                VALIDATE + "Expecting 'framework_id'")
    for kind in ("TEARDOWN", "REVIVE", "SUPPRESS"):
        refused(say(cluster, {"type": kind}), 400,
                VALIDATE + "Expecting 'framework_id' to be present")
    for body, where in ((ours(cluster, "KILL", {}), "kill: missing required field: task_id"),
                        (ours(cluster, "KILL", {"task_id": {}}),
                         "kill.task_id: missing required field: value"),
                        (ours(cluster, "ACCEPT", {"offer_ids": [{"value": "a"}, {}]}),
                         "accept.offer_ids[1]: missing"),
                        ({"type": "SUBSCRIBE", "subscribe": {}},
                         "missing required field: framework_info"),
                        ({"type": "SUBSCRIBE", "subscribe": {"framework_info": {"name": "x"}}},
                         "field: user"),
                        ({"type": "REVIVE", "framework_id": {}},
                         "framework_id: missing required field: value")):
        refused(ask(cluster, body), 400, PARSE, where)
    refused(ask(cluster, message((2, 1), (3, message((1, message((1, "root")))))), PROTOBUF), 400,
            "missing required field: subscribe.framework_info.name")


def test_uuids(cluster):
    for uuid in (b"", b"\0" * 15, b"\0" * 17, b"0" * 36):
        body = {"agent_id": {"value": "a"}, "task_id": {"value": "t"},
                "uuid": base64.b64encode(uuid).decode()}
        refused(say(cluster, ours(cluster, "ACKNOWLEDGE", body)), 400, "must be 16 bytes")
        body = {"operation_id": {"value": "o"}, "uuid": base64.b64encode(uuid).decode()}
        refused(say(cluster, ours(cluster, "ACKNOWLEDGE_OPERATION_STATUS", body)), 400,
                "must be 16 bytes")
    for text in ("*", "AAAA=AAAA", "A", "AA=", "\u00e4\u00e4\u00e4\u00e4"):
        body = {"agent_id": {"value": "a"}, "task_id": {"value": "t"}, "uuid": text}
        refused(say(cluster, ours(cluster, "ACKNOWLEDGE", body)), 400, PARSE)


# --- bytes

BAD_JSON = [b"", b" ", b"nul", b"[]", b"42", b'"text"', b"{", b"}", b"{]", b'{"type"}',
            b'{"type":}', b'{"type":"SUBSCRIBE"',
            b'{"type":"SUBSCRIBE"}}', b'{"type":"REVIVE"} {}', b"{'type':'REVIVE'}",
            b'{type:"REVIVE"}',
            b'{"type":"REVIVE",,}', b'{"type":"REVIVE"}x', b'{"type":"REVIVE" /* why */}',
            b'{"type":"REV\nIVE"}',
            b'{"type":"\\x41"}', b'{"type":"\\u12"}', b'{"framework_id":{"value":"\\ud800"}}',
            b'{"framework_id":{"value":"\xff\xfe"}}', b'{"framework_id":{"value":"\xc0\xaf"}}',
            b'{"framework_id":{"value":"\xed\xa0\x80"}}', '{"type":"REVIVE"}'.encode("utf-16"),
            b'{"framework_id":"text"}', b'{"framework_id":[{"value":"a"},{"value":"b"}]}',
            b'{"framework_id":{"value":{}}}',
            b'{"accept":{"filters":{"refuse_seconds":01}}}',
            b'{"accept":{"filters":{"refuse_seconds":1e}}}',
            b'{"accept":{"filters":{"refuse_seconds":.5}}}',
            b'{"accept":{"filters":{"refuse_seconds":"five"}}}',
            b'{"subscribe":{"framework_info":{"user":"a","name":"b","checkpoint":"perhaps"}}}',
            b"[" * 100_000, b'{"a":' * 100_000, b'{"a":' * 5000 + b"1" + b"}" * 5000, b"\0" * 100]


def test_malformed_json(cluster):
    for body in BAD_JSON:
        answer = ask(cluster, body)
        refused(answer, 400)
        check(PARSE in answer.text, f"{body[:60]!r}: {answer}")


BAD_PROTOBUF = [b"\xff" * 16, b"\x00", b"\x06", b"\x07\x00", b"\x0c", b"\x0b", b"\x10", b"\x10\xff",
                b"\x1a\x05ab",
                b"\x1a" + varint(-1), b"\x1a" + varint(1 << 31), b"\x1a" + varint((1 << 31) - 1),
                b"\x80" * 11 + b"\x01", b"\x0b" * 100_000, b"\x9b\x06" * 50_000, b"{}",
                b'{"type":"REVIVE"}',
                message((1, "no message")), message((2, "text")), message((3, 7)), bytes(1000)]


def test_malformed_protobuf(cluster):
    for body in BAD_PROTOBUF:
        answer = ask(cluster, body, PROTOBUF)
        refused(answer, 400)
    refused(ask(cluster, BAD_PROTOBUF[0], PROTOBUF), 400, PARSE, "no protobuf message")
    refused(ask(cluster, pb_subscribe("x"), JSON), 400, PARSE)


def cut_everywhere(cluster, whole, content_type, stream=None):
    """Every beginning of a call is refused, and the connection lives."""
    with Raw(cluster.port) as raw:
        for at in range(len(whole)):
            headers = {"Mesos_Stream_Id": stream} if stream else {}
            data = call(SCHEDULER, whole[:at], content_type, **headers)
            answer = raw.ask(data)
            check(answer is not None and answer.status == 400, f"cut at {at}: {answer}")
            check(PARSE in answer.text or VALIDATE in answer.text, f"cut at {at}: {answer}")


def test_subscribe_cut_at_every_byte(cluster):
    before = frameworks(cluster)
    cut_everywhere(cluster, json.dumps(subscribe()).encode(), JSON)
    cut_everywhere(cluster, pb_subscribe("cut"), PROTOBUF)
    equal(frameworks(cluster).keys(), before.keys(), "frameworks")


def test_accept_cut_at_every_byte(cluster):
    for name, content_type in (("cut-json", JSON), ("cut-protobuf", PROTOBUF)):
        offers = cluster.main.wait_offers()
        ids, agent = [each["id"] for each in offers], agent_of(offers)
        whole = pb_accept(cluster.main.id, [each["value"] for each in ids], pb_task(name, agent))
        if content_type == JSON:
            launch = {"type": "LAUNCH", "launch": {"task_infos": [task_info(name, agent, "true")]}}
            whole = json.dumps(ours(cluster, "ACCEPT", {"offer_ids": ids, "operations": [launch],
                                                        "filters": {"refuse_seconds": 0}})).encode()
        cut_everywhere(cluster, whole, content_type, cluster.main.stream.id)
        equal(cluster.main.states(name), [], "nothing was launched")
        equal(cluster.main.wait_offers(), offers, "the offers still stand")
        cluster.main.offers.clear()
        equal(say(cluster, whole, content_type).status, 202)
        equal(cluster.main.wait_terminal(name)["state"], "TASK_FINISHED")


def test_acknowledge_cut_at_every_byte(cluster):
    cluster.main.acknowledging = False
    for name, content_type in (("ack-json", JSON), ("ack-protobuf", PROTOBUF)):
        cluster.main.run(name, "sleep 1000")
        status = cluster.main.wait_status(name, "TASK_STARTING")
        body = {key: status[key] for key in ("agent_id", "task_id", "uuid")}
        whole = json.dumps(ours(cluster, "ACKNOWLEDGE", body)).encode()
        if content_type == PROTOBUF:
            whole = pb_acknowledge(cluster.main.id, status["agent_id"]["value"], name,
                                   base64.b64decode(status["uuid"]))
        cut_everywhere(cluster, whole, content_type, cluster.main.stream.id)
        equal(cluster.main.states(name), ["TASK_STARTING"], "one unacknowledged update at a time")
        equal(say(cluster, whole, content_type).status, 202)
        cluster.main.acknowledge(cluster.main.wait_status(name, "TASK_RUNNING"))
        cluster.main.kill(name, grace=0)
        cluster.main.acknowledge(cluster.main.wait_terminal(name))
    cluster.main.acknowledging = True


def test_the_connection_cut_in_the_body(cluster):
    for whole in (call(SCHEDULER, subscribe()), call(SCHEDULER, pb_subscribe("cut"), PROTOBUF)):
        start = whole.index(b"\r\n\r\n") + 4
        before = frameworks(cluster)
        for at in range(start, len(whole), 5):
            with Raw(cluster.port) as raw:
                raw.send(whole[:at])
        with Raw(cluster.port) as raw:
            raw.send(whole[:-1])
            raw.end()
            check(raw.answer() is None, "half a call has no answer")
        equal(frameworks(cluster).keys(), before.keys(), "frameworks")


def test_changed_bytes(cluster):
    """Not all of these are bad, but none may do harm."""
    rng = random.Random(2)
    with Events(cluster.port, SCHEDULER, subscribe({"name": "victim"})) as events:
        victim = events.event("SUBSCRIBED")["subscribed"]["framework_id"]["value"]
        accept = {"type": "ACCEPT", "framework_id": {"value": victim},
                  "accept": {"offer_ids": [{"value": "stale"}], "filters": {"refuse_seconds": 5.0},
                             "operations": [
                      {"type": "LAUNCH", "launch": {"task_infos": [task_info("t", "a", "true")]}}]}}
        for whole, kind in ((json.dumps(accept).encode(), JSON),
                            (pb_accept(victim, ["stale"], pb_task("t", "a")), PROTOBUF)):
            for _ in range(400):
                changed = bytearray(whole)
                for _ in range(rng.choice((1, 1, 2, 8))):
                    changed[rng.randrange(len(changed))] = rng.randrange(256)
                with Raw(cluster.port) as raw:
                    raw.send(call(SCHEDULER, bytes(changed), kind, Mesos_Stream_Id=events.id))
                    answer = raw.head()
                    check(answer is not None and answer.status in (202, 400, 403, 501),
                          f"{bytes(changed)!r}: {answer}")
    wait_for(lambda: victim not in frameworks(cluster), "the victim to be gone")


# --- who is calling


def test_unknown_framework(cluster):
    for name in ("nobody", "", "\u00fc", "x" * 10_000, "../../etc"):
        answer = say(cluster, {"type": "REVIVE", "framework_id": {"value": name}})
        equal((answer.status, answer.text), (400, "Framework cannot be found"))


def test_not_subscribed(cluster):
    with Events(cluster.port, SCHEDULER, subscribe({"failover_timeout": 1000})) as events:
        mine = {"value": events.event("SUBSCRIBED")["subscribed"]["framework_id"]["value"]}
        stream = events.id
    wait_for(lambda: not frameworks(cluster)[mine["value"]]["connected"], "the master to notice")
    answer = ask(cluster, {"type": "REVIVE", "framework_id": mine}, Mesos_Stream_Id=stream)
    equal((answer.status, answer.text), (403, "Framework is not subscribed"))
    with Events(cluster.port, SCHEDULER, subscribe({"id": mine}, framework_id=mine)) as events:
        equal(events.event("SUBSCRIBED")["subscribed"]["framework_id"], mine)
        refused(ask(cluster, {"type": "REVIVE", "framework_id": mine}, Mesos_Stream_Id=stream), 400,
                stream)
        teardown(cluster, mine["value"], events.id)
    refused(ask(cluster, {"type": "REVIVE", "framework_id": mine}), 400,
            "Framework cannot be found")


def test_stream_ids(cluster):
    other = cluster.scheduler(port=cluster.port, name="other")
    revive = ours(cluster, "REVIVE")
    refused(ask(cluster, revive), 400, "should include the 'Mesos-Stream-Id' header")
    for stream in (other.stream.id, "", "nonsense", cluster.main.stream.id.upper() + "x",
                   "x" * 1000):
        refused(ask(cluster, revive, Mesos_Stream_Id=stream), 400, "didn't match", cluster.main.id)
    refused(ask(cluster, {"type": "TEARDOWN", "framework_id": {"value": other.id}},
                Mesos_Stream_Id=cluster.main.stream.id), 400, "didn't match")
    check({other.id, cluster.main.id} <= frameworks(cluster).keys(),
          "nobody was torn down by a stranger")
    other.call("TEARDOWN")
    wait_for(other.stream.closed.is_set, "its stream to end")
    answer = ask(cluster, {"type": "REVIVE", "framework_id": {"value": other.id}},
                 Mesos_Stream_Id=other.stream.id)
    equal((answer.status, answer.text), (400, "Framework cannot be found"))


def error_of(cluster, body, content_type=JSON):
    """The text of the one ERROR event that such a SUBSCRIBE gets."""
    with Events(cluster.port, SCHEDULER, body, content_type) as events:
        equal(events.opened.status, 200, f"{events.opened}")
        first = events.event()
        equal(first["type"], "ERROR", f"{first}")
        check(events.record() is None, "the stream ends behind an ERROR")
        return first["error"]["message"]


def test_bad_frameworks(cluster):
    before = frameworks(cluster)
    for bad in ("a/b", "a\\b", "a\nb", "a\0b", "\x7f", "../up"):
        check("contains invalid characters" in error_of(cluster, subscribe({"id": {"value": bad}})),
              bad)
    for bad in (".", "..", "x" * 256):
        check(bad in error_of(cluster, subscribe({"id": {"value": bad}})) or len(bad) > 2, bad)
    for role in ("a//b", "/a", "a/", "-a", "..", "a/../b", "a b", "a\tb", "*/a", "a/*", "\n"):
        check(len(error_of(cluster, subscribe({"role": role}))) > 10, role)
        both = {"roles": [role, "good"], "capabilities": [{"type": "MULTI_ROLE"}]}
        check(len(error_of(cluster, subscribe(both))) > 10, role)
    check("negative" in error_of(cluster, subscribe({"failover_timeout": -1})), "failover_timeout")
    refused(ask(cluster, subscribe({"failover_timeout": "NaN"})), 400, PARSE, "expected a number")
    rack = {"selector": {"attribute_name": "rack"}, "predicate": {"exists": {}}}
    body = subscribe()
    body["subscribe"]["offer_constraints"] = {
        "role_constraints": {"elsewhere": {"groups": [{"attribute_constraints": [rack]}]}}}
    check("elsewhere" in error_of(cluster, body), "offer_constraints of another role")
    mismatch = subscribe({"id": {"value": "one"}}, framework_id={"value": "two"})
    refused(ask(cluster, mismatch), 400, VALIDATE)
    equal(frameworks(cluster).keys(), before.keys(), "frameworks")


def test_strange_frameworks_that_are_welcome(cluster):
    cases = [{"failover_timeout": 1e300}, {"failover_timeout": 1e-300}, {"user": ""}, {"name": ""},
             {"id": {"value": ""}}, {"id": {"value": "x" * 255}}, {"name": "\u0000\u001f\u2028"},
             {"webui_url": "javascript:alert(1)"}, {"hostname": "x" * 100_000},
             {"capabilities": [{"type": "FROM_THE_FUTURE"}, {}, {"type": "PARTITION_AWARE"}]},
             {"labels": {"labels": [{"key": "k" * 10_000, "value": "\U0001f600"}] * 50}}]
    for info in cases:
        with Events(cluster.port, SCHEDULER, subscribe(info)) as events:
            equal(events.opened.status, 200, f"{info}: {events.opened}")
            first = events.event()
            equal(first["type"], "SUBSCRIBED", f"{info}: {first}")
            teardown(cluster, first["subscribed"]["framework_id"]["value"], events.id)


def test_removed_and_failed_over(cluster):
    with Events(cluster.port, SCHEDULER, subscribe({"id": {"value": "mine"},
                                                    "principal": "me"})) as first:
        equal(first.event("SUBSCRIBED")["subscribed"]["framework_id"]["value"], "mine")
        again = subscribe({"id": {"value": "mine"}, "principal": "me"},
                          framework_id={"value": "mine"})
        equal(error_of(cluster, subscribe({"id": {"value": "mine"}, "principal": "you"})),
              "Changing framework's principal is not allowed.")
        with Events(cluster.port, SCHEDULER, again) as second:
            equal(first.event("ERROR")["error"]["message"], "Framework failed over")
            check(first.record() is None, "the first stream ends")
            second.event("SUBSCRIBED")
            teardown(cluster, "mine", second.id)
            check(second.event("ERROR") is None, "the second ends without a word")
        equal(error_of(cluster, again), "Framework has been removed")


def test_update_framework(cluster):
    info = {**cluster.main.info, "id": {"value": cluster.main.id}}
    for change in ({"user": "somebody"}, {"checkpoint": True}, {"principal": "p"}, {"role": "a//b"},
                   {"failover_timeout": -1}):
        answer = say(cluster, ours(cluster, "UPDATE_FRAMEWORK",
                                   {"framework_info": {**info, **change}}))
        refused(answer, 400)
    stranger = {**info, "id": {"value": "stranger"}}
    refused(say(cluster, ours(cluster, "UPDATE_FRAMEWORK", {"framework_info": stranger})), 400)
    answer = say(cluster, ours(cluster, "UPDATE_FRAMEWORK", {"framework_info": info}))
    equal((answer.status, answer.body), (200, b""))


# --- what is not bad: the leniency that JSON clients count on


def test_the_dialect_of_json(cluster):
    info = {"user": "root", "name": "dialect", "id": None, "failover_timeout": "0",
            "checkpoint": "false",
            "roles": None, "capabilities": {"type": "PARTITION_AWARE"}, "labels": None,
            "no_such_field": {"a": [1, None]}}
    body = json.dumps({"type": "SUBSCRIBE", "framework_id": None, "accept": None, "a": {},
                       "subscribe": {
        "framework_info": info, "suppressed_roles": None, "offer_constraints": None}}).encode()
    make_way(cluster)
    with Events(cluster.port, SCHEDULER, body) as events:
        mine = events.event("SUBSCRIBED")["subscribed"]["framework_id"]["value"]
        offer = events.event("OFFERS")["offers"]["offers"][0]
        agent = offer["agent_id"]["value"]
        task = {"name": "dialect", "task_id": {"value": "dialect"},
                "agent_id": {"value": agent, "x": 1},
                "command": {"value": "true", "shell": "true", "uris": None,
                            "environment": {"variables": None}},
                "resources": [{"name": "cpus", "type": "SCALAR", "scalar": {"value": "0.1"},
                               "role": None},
                              {"name": "mem", "type": 0, "scalar": {"value": "32"},
                               "allocation_info": None}],
                "executor": None, "container": None, "data": None, "labels": None}
        accept = {"type": 3, "framework_id": {"value": mine}, "accept": {
            "offer_ids": offer["id"], "filters": {"refuse_seconds": "0.5", "y": None},
            "operations": {"type": "LAUNCH", "id": None, "launch": {"task_infos": task}}}}
        data = request("POST", SCHEDULER, Content_Type=JSON, Transfer_Encoding="chunked",
                       Mesos_Stream_Id=events.id)
        equal(exchange(cluster.port, data + chunked(json.dumps(accept).encode())).status, 202)
        states = []
        while not states or states[-1] != "TASK_FINISHED":
            status = events.event("UPDATE")["update"]["status"]
            states.append(status["state"])
            body = {"type": "ACKNOWLEDGE", "framework_id": {"value": mine}, "acknowledge": {
                "agent_id": status["agent_id"], "task_id": status["task_id"],
                "uuid": status["uuid"]}}
            equal(ask(cluster, body, Mesos_Stream_Id=events.id).status, 202)
        equal(states, ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"])
        teardown(cluster, mine, events.id)
    cluster.main.call("REVIVE")


def test_whatever_is_useless_is_taken(cluster):
    nowhere = {"agent_id": {"value": "nowhere"}}
    for kind, body in (("DECLINE", {"offer_ids": [{"value": "stale"}, {"value": ""}]}),
                       ("DECLINE", {}),
                       ("ACCEPT", {"offer_ids": [{"value": "stale"}]}), ("ACCEPT", {}),
                       ("KILL", {"task_id": {"value": "unheard-of"}}),
                       ("KILL", {"task_id": {"value": "../x"}, **nowhere}),
                       ("SHUTDOWN", {"executor_id": {"value": "e"}, **nowhere}),
                       ("MESSAGE", {"executor_id": {"value": "e"}, **nowhere, "data": "AAAA"}),
                       ("ACKNOWLEDGE", {"task_id": {"value": "t"}, **nowhere,
                                        "uuid": "AAAAAAAAAAAAAAAAAAAAAA=="}),
                       ("RECONCILE", {"tasks": [{"task_id": {"value": "x" * 1000}, **nowhere}]}),
                       ("REQUEST", {}),
                       ("REVIVE", {"roles": ["never heard of", ""]}),
                       ("SUPPRESS", {"roles": ["never heard of"]}),
                       ("SUPPRESS", None), ("SUPPRESS", None), ("REVIVE", None),
                       ("ACCEPT_INVERSE_OFFERS", {}),
                       ("DECLINE_INVERSE_OFFERS", {"inverse_offer_ids": [{"value": "x"}]})):
        answer = say(cluster, ours(cluster, kind, body))
        equal((answer.status, answer.body, answer.header("Content-Type")), (202, b"", None),
              f"{kind} {body}")


# --- what goes out


def test_texts_of_any_kind_come_back_as_ascii(cluster):
    name = "gr\u00f6\u00dfe \U0001f600 \u2028 \u0001"
    info = {"name": name, "labels": {"labels": [{"key": name}]}}
    with Events(cluster.port, SCHEDULER, subscribe(info)) as events:
        mine = events.event("SUBSCRIBED")["subscribed"]["framework_id"]["value"]
        kill = {"type": "KILL", "framework_id": {"value": mine},
                "kill": {"task_id": {"value": name}}}
        equal(ask(cluster, kill, Mesos_Stream_Id=events.id).status, 202)
        equal(events.event("UPDATE")["update"]["status"]["task_id"]["value"], name)
        equal(frameworks(cluster)[mine]["name"], name)
        teardown(cluster, mine, events.id)


def test_bytes_that_are_no_text(cluster):
    """Protobuf may carry them in its texts; JSON may not."""
    bad = b"\xff\xfe\xc0\xaf\xed\xa0\x80 \x80"
    body = message((2, 1), (3, message((1, pb_framework(bad, user="root",
                                                        fields=((7, bad), (9, bad)))))))
    with Events(cluster.port, SCHEDULER, body, PROTOBUF) as events:
        mine = events.event("SUBSCRIBED")["subscribed"]["framework_id"]["value"]
        kill = message((1, pb_id(mine)), (2, 6), (6, message((1, pb_id(bad)))))
        equal(ask(cluster, kill, PROTOBUF, Mesos_Stream_Id=events.id).status, 202)
        check(events.event("UPDATE")["update"]["status"]["task_id"]["value"],
              "something stands for it")
        for path in ("/state", "/frameworks", "/state-summary", "/roles", "/metrics/snapshot"):
            parse_json(exchange(cluster.port, request("GET", path)).body)
        exchange(cluster.port, request("GET", "/metrics")).body.decode("utf-8")
        teardown(cluster, mine, events.id)


def test_protobuf_all_the_way(cluster):
    make_way(cluster)
    with Events(cluster.port, SCHEDULER, pb_subscribe("binary"), PROTOBUF, PROTOBUF) as events:
        first = events.message()
        equal(first[1], [1], "SUBSCRIBED")
        mine = decode(decode(first[2][0])[1][0])[1][0].decode()
        offer = decode(decode(events.message(2)[3][0])[1][0])
        offer_id, agent = (decode(offer[field][0])[1][0].decode() for field in (1, 3))
        body = pb_accept(mine, [offer_id], pb_task("binary", agent))
        equal(ask(cluster, body, PROTOBUF, Mesos_Stream_Id=events.id).status, 202)
        states = []
        while not states or states[-1] != 2:
            status = decode(decode(events.message(4)[5][0])[1][0])
            states.append(status[2][0])
            equal(len(status[11][0]), 16, "a uuid")
            body = pb_acknowledge(mine, agent, "binary", status[11][0])
            equal(ask(cluster, body, PROTOBUF, Mesos_Stream_Id=events.id).status, 202)
        equal(states, [0, 1, 2], "starting, running, finished")
        teardown(cluster, mine, events.id)
    cluster.main.call("REVIVE")


def test_at_the_end_all_is_as_ever(cluster):
    cluster.main.run("as-ever", "true")
    equal(cluster.main.wait_terminal("as-ever")["state"], "TASK_FINISHED")
    cluster.main.call("TEARDOWN")
    wait_for(lambda: not [each for each in frameworks(cluster).values() if each["connected"]],
             "all to be gone")
    wait_for(lambda: cluster.node_.state()["slaves"][0]["used_resources"]["cpus"] == 0,
             "nothing to be in use")


if __name__ == "__main__":
    run_tests(watched(globals(), lambda cluster: [cluster.node_]), set_up)
