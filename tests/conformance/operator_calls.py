"""Weights, quota and roles by the operator API and by the endpoints before it: what is set is there
to be read at once, and what is wrong is refused with a text and changes nothing."""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from http_raw import (JSON, PROTOBUF, call, chunked, decode, exchange, message, parse_json, pb_scalar,
                      refused, request, varint, watched)
from souk_cluster import check, equal, run_tests, scalar, wait_for

API = "/api/v1"
NAMES = Path(__file__).resolve().parent / "mesos-v1.tsv"
BUILT = {"GET_HEALTH", "GET_FLAGS", "GET_VERSION", "GET_METRICS", "GET_MASTER", "GET_ROLES",
         "GET_STATE", "GET_TASKS", "GET_EXECUTORS", "GET_FRAMEWORKS", "GET_AGENTS",
         "GET_WEIGHTS", "GET_QUOTA", "UPDATE_WEIGHTS", "UPDATE_QUOTA", "SET_QUOTA", "REMOVE_QUOTA"}


def set_up(cluster):
    cluster.node_ = cluster.local("--agents=2", "--resources=cpus:2;mem:512",
                                  "--offer_timeout=0secs", "--weights=flagged=7,both=3")
    cluster.port = cluster.node_.port
    wait_for(lambda: len(cluster.node_.state()["slaves"]) == 2, "the agents")


def ask(cluster, body, content_type=JSON, path=API, **headers):
    return exchange(cluster.port, call(path, body, content_type, **headers))


def get(cluster, kind):
    answer = ask(cluster, {"type": kind})
    equal((answer.status, answer.header("Content-Type")), (200, JSON), answer.text)
    parsed = parse_json(answer.body)
    equal(parsed["type"], kind)
    return parsed[kind.lower()]


def done(answer):
    equal((answer.status, answer.body, answer.header("Content-Type")), (200, b"", None),
          answer.text)


def update_weights(cluster, *pairs):
    infos = [{"role": role, "weight": weight} for role, weight in pairs]
    return ask(cluster, {"type": "UPDATE_WEIGHTS", "update_weights": {"weight_infos": infos}})


def weights(cluster):
    return {each["role"]: each["weight"] for each in get(cluster, "GET_WEIGHTS")["weight_infos"]}


def amounts(**values):
    return {name: {"value": value} for name, value in values.items()}


def config(role, guarantees=None, limits=None):
    return {"role": role, "guarantees": amounts(**(guarantees or {})),
            "limits": amounts(**(limits or {}))}


def update_quota(cluster, *configs, **more):
    return ask(cluster, {"type": "UPDATE_QUOTA",
                         "update_quota": {"quota_configs": list(configs), **more}})


def quotas(cluster):
    """{role: (guarantees, limits)}"""
    def plain(scalars):
        return {name: each["value"] for name, each in scalars.items()}
    configs = get(cluster, "GET_QUOTA")["status"].get("configs", [])
    return {each["role"]: (plain(each.get("guarantees", {})), plain(each.get("limits", {})))
            for each in configs}


def clear(cluster):
    done(update_quota(cluster, *[config(role) for role in quotas(cluster)]))
    equal(quotas(cluster), {})


def roles(cluster):
    answer = exchange(cluster.port, request("GET", "/roles"))
    return {each["name"]: each for each in parse_json(answer.body)["roles"]}


# --- weights


def test_an_update_is_read_at_once(cluster):
    for weight in range(1, 40):
        done(update_weights(cluster, ("quick", weight / 4)))
        equal(weights(cluster)["quick"], weight / 4)
        equal(roles(cluster)["quick"]["weight"], weight / 4)


def test_weights_of_flags_are_there_until_others_are_set(cluster):
    equal({role: weights(cluster)[role] for role in ("flagged", "both")},
          {"flagged": 7.0, "both": 3.0})
    done(update_weights(cluster, ("both", 5), ("new/one", 0.001)))
    seen = weights(cluster)
    equal((seen["flagged"], seen["both"], seen["new/one"]), (7.0, 5.0, 0.001))
    known = roles(cluster)
    equal((known["flagged"]["weight"], known["new"]["weight"]), (7.0, 1.0))
    listed = {each["name"]: each["weight"] for each in get(cluster, "GET_ROLES")["roles"]}
    equal(listed, {name: each["weight"] for name, each in known.items()})


def test_bad_weights(cluster):
    before = weights(cluster)
    for weight in (0, -1, -0.5, 1e300, 0.0001, "NaN", "inf", None, {}, [], "two"):
        refused(update_weights(cluster, ("fine", 2), ("bad", weight)), 400)
    for role in ("", "/", "a//b", "a/", "-a", "a/.", "a b", "*/x", "x" * 1025, "a\nb"):
        refused(update_weights(cluster, ("fine", 2), (role, 2)), 400)
    refused(update_weights(cluster, ("a", 2), ("a", 3)), 400, "twice")
    refused(ask(cluster, {"type": "UPDATE_WEIGHTS"}), 400, "update_weights")
    refused(ask(cluster, {"type": "UPDATE_WEIGHTS", "update_weights":
                          {"weight_infos": [{"weight": 2}]}}), 400, "role")
    refused(ask(cluster, {"type": "UPDATE_WEIGHTS", "update_weights":
                          {"weight_infos": [{"role": "a"}]}}), 400, "weight")
    equal(weights(cluster), before)


def test_weights_endpoint(cluster):
    def put(body):
        return exchange(cluster.port, request("PUT", "/weights", body))
    done(put(b'[{"role":"put","weight":2.5}]'))
    for path in ("/weights", "/master/weights", "/weights.json"):
        listed = parse_json(exchange(cluster.port, request("GET", path)).body)
        equal({each["role"]: each["weight"] for each in listed}, weights(cluster))
    equal(weights(cluster)["put"], 2.5)
    before = weights(cluster)
    for body in (b"", b"{}", b"[1]", b'[{"role":"a"}]', b'[{"role":"a","weight":0}]', b"[",
                 b'{"role":"a","weight":1}', b"\xff", b'[],"weight_infos":[{"role":"a","weight":1}]'):
        refused(put(body), 400)
    for method in ("POST", "DELETE", "PATCH"):
        answer = exchange(cluster.port, request(method, "/weights", b"[]"))
        refused(answer, 405)
        equal(answer.header("Allow"), "GET, PUT")
    equal(weights(cluster), before)


# --- quota


def test_quota_is_set_replaced_and_removed(cluster):
    clear(cluster)
    done(update_quota(cluster, config("eng", {"cpus": 2, "mem": 100.5}, {"cpus": 3}),
                      config("ops", limits={"gpus": 0})))
    equal(quotas(cluster), {"eng": ({"cpus": 2.0, "mem": 100.5}, {"cpus": 3.0}),
                            "ops": ({}, {"gpus": 0.0})})
    quota = roles(cluster)["eng"]["quota"]
    equal((quota["role"], quota["guarantee"], quota["limit"], quota["consumed"]),
          ("eng", {"cpus": 2.0, "mem": 100.5}, {"cpus": 3.0}, {}))
    status = get(cluster, "GET_QUOTA")["status"]
    equal([each["role"] for each in status["infos"]], ["eng", "ops"])
    equal(status["infos"][0]["guarantee"],
          [{"name": "cpus", "type": "SCALAR", "scalar": {"value": 2.0}},
           {"name": "mem", "type": "SCALAR", "scalar": {"value": 100.5}}])
    equal(parse_json(exchange(cluster.port, request("GET", "/quota")).body), status)
    done(update_quota(cluster, config("eng", {"cpus": 1}), config("ops")))
    equal(quotas(cluster), {"eng": ({"cpus": 1.0}, {})})


def test_bad_quotas(cluster):
    clear(cluster)
    done(update_quota(cluster, config("a", {"cpus": 2}, {"cpus": 3}), config("a/b", {"cpus": 1})))
    before = quotas(cluster)
    bad = [
        (config("c", {"cpus": 2}, {"cpus": 1}), "above the limit"),
        (config("a", {"cpus": 0.5}), "directly below 'a'"),
        (config("a/c", {"cpus": 1.5}), "directly below 'a'"),
        (config("lonely/child", {"cpus": 0.5}), "directly below 'lonely'"),
        (config("a/b", {"cpus": 1}, {"cpus": 4}), "the limit of 3 for 'a'"),
        (config("c", {"ports": 1}), "ports"), (config("c", {"": 1}), "name"),
        (config("c", {"cpus": -1}), "negative"), (config("c", {"cpus": 1e13}), "above"),
        (config("c", {"cpus": "x"}), "cpus"), (config("/c", {"cpus": 1}), "role"),
        (config("c", {"cpus": "NaN"}), "cpus"),
        ({"guarantees": amounts(cpus=1)}, "role"), ({"role": "c", "limits": 7}, "limits"),
        ({"role": "c", "limits": {"cpus": {}}}, "value"),
    ]
    for each, word in bad:
        refused(update_quota(cluster, config("fine", {"mem": 1}), each), 400, word)
    refused(update_quota(cluster, config("c"), config("c")), 400, "twice")
    for call_type in ("UPDATE_QUOTA", "SET_QUOTA", "REMOVE_QUOTA"):
        refused(ask(cluster, {"type": call_type}), 400, call_type.lower())
    equal(quotas(cluster), before)


def test_guarantees_that_cannot_be_met(cluster):
    clear(cluster)
    done(update_quota(cluster, config("one", {"cpus": 3})))
    refused(update_quota(cluster, config("two", {"cpus": 1.5, "gpus": 1})), 400,
            "4.5 of cpus, where the cluster has 4 (0.5 too many)",
            "1 of gpus, where the cluster has 0 (1 too many)", "force")
    equal(list(quotas(cluster)), ["one"])
    done(update_quota(cluster, config("two", {"cpus": 1.5}), force=True))
    done(update_quota(cluster, config("two", {"cpus": 1.25})))  # lowered, though still too much
    refused(update_quota(cluster, config("three", {"cpus": 0.25})), 400)


def test_limits_below_what_is_in_use(cluster):
    clear(cluster)
    scheduler = cluster.scheduler(port=cluster.port, name="user", role="used/deep")
    scheduler.run("task", "sleep 1000", cpus=0.5, mem=64)
    scheduler.wait_status("task", "TASK_RUNNING")
    equal(roles(cluster)["used"]["quota"]["consumed"], {"cpus": 0.5, "mem": 64.0})
    for role in ("used", "used/deep"):
        refused(update_quota(cluster, config(role, limits={"cpus": 0.4})), 400,
                f"role '{role}' uses 0.5 of cpus, 0.1 more than the limit of 0.4")
        done(update_quota(cluster, config(role, limits={"cpus": 0.5, "mem": 64})))
    done(update_quota(cluster, config("used", limits={"mem": 0}),
                      config("used/deep", limits={"mem": 0}), force=True))
    scheduler.call("TEARDOWN")


def test_the_older_calls(cluster):
    clear(cluster)

    def set_quota(role, *guarantee, **more):
        return ask(cluster, {"type": "SET_QUOTA", "set_quota": {"quota_request": {
            "role": role, "guarantee": list(guarantee), **more}}})

    def remove(role):
        return ask(cluster, {"type": "REMOVE_QUOTA", "remove_quota": {"role": role}})
    done(set_quota("old", scalar("cpus", 1), scalar("mem", 64)))
    equal(quotas(cluster), {"old": ({"cpus": 1.0, "mem": 64.0}, {"cpus": 1.0, "mem": 64.0})})
    refused(set_quota("old", scalar("cpus", 1)), 400, "already")
    refused(set_quota("much", scalar("cpus", 9)), 409, "6 too many")
    done(set_quota("much", scalar("cpus", 9), force=True))
    refused(set_quota("bad"), 400, "guarantee")
    refused(set_quota("bad", scalar("cpus", 1), scalar("cpus", 1)), 400, "twice")
    for spoiled in ({"role": "r"}, {"revocable": {}}, {"disk": {}}, {"shared": {}},
                    {"reservations": [{"type": "STATIC", "role": "r"}]}, {"type": "SET"},
                    {"scalar": None}, {"scalar": {"value": -1}}, {"name": "ports"}):
        refused(set_quota("bad", {**scalar("cpus", 1), **spoiled}), 400)
    refused(remove("nobody"), 400, "'nobody'")
    refused(remove(""), 400)
    done(remove("old"))
    done(remove("much"))
    equal(quotas(cluster), {})


def test_quota_endpoint(cluster):
    clear(cluster)

    def ask_for(method, path, body=None):
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        return exchange(cluster.port, request(method, path, data))
    done(ask_for("POST", "/quota", {"role": "eng/web", "guarantee": [scalar("mem", 0)]}))
    equal(quotas(cluster), {"eng/web": ({}, {"mem": 0.0})})
    done(ask_for("POST", "/master/quota", {"role": "v0", "guarantee": [scalar("cpus", 1)],
                                           "force": False}))
    refused(ask_for("POST", "/quota", {"role": "v1", "guarantee": [scalar("cpus", 9)]}), 409)
    refused(ask_for("POST", "/quota", {"role": "v0", "guarantee": [scalar("cpus", 1)]}), 400)
    for body in (b"", b"{", b"[]", b"null", {}, {"role": "x"}, {"role": "x", "guarantee": 7},
                 {"role": 7, "guarantee": []}, {"guarantee": [scalar("cpus", 1)]}):
        refused(ask_for("POST", "/quota", body), 400)
    refused(ask_for("DELETE", "/quota"), 400, "ROLE")
    refused(ask_for("DELETE", "/quota/nobody"), 400, "nobody")
    refused(ask_for("PUT", "/quota", b"{}"), 405)
    done(ask_for("DELETE", "/quota/v0"))
    done(ask_for("DELETE", "/quota/eng%2Fweb"))
    equal(quotas(cluster), {})


# --- the calls themselves


def test_every_call_of_the_api(cluster):
    rows = [line.split("\t") for line in NAMES.read_text().splitlines()]
    names = [row[2] for row in rows if row[:2] == ["enum", "mesos.v1.master.Call.Type"]]
    check(len(names) >= 40, f"{len(names)}")
    names.remove("SUBSCRIBE")  # see operator_events.py
    for name in names:
        answer = ask(cluster, {"type": name})
        if name not in BUILT:
            refused(answer, 501, name)
        elif name.startswith("GET_"):
            equal(list(parse_json(answer.body)), ["type", name.lower()], answer.text)
        else:
            refused(answer, 400, name.lower())


def test_what_the_answers_say(cluster):
    equal(get(cluster, "GET_HEALTH"), {"healthy": True})
    check(get(cluster, "GET_VERSION")["version_info"]["version"].startswith("1."), "a version")
    flags = {each["name"]: each["value"] for each in get(cluster, "GET_FLAGS")["flags"]}
    equal(flags["weights"], "flagged=7,both=3")
    master = get(cluster, "GET_MASTER")
    equal(master["master_info"]["port"], cluster.port)
    check(0 < master["start_time"] <= master["elected_time"], f"{master}")
    metrics = {each["name"]: each["value"] for each in get(cluster, "GET_METRICS")["metrics"]}
    equal((metrics["master/elected"], metrics["master/slaves_active"]), (1.0, 2.0))


def test_protobuf(cluster):
    info = message((1, 4.5), (2, "binary"))
    update = message((1, 16), (6, message((1, info))))
    done(ask(cluster, update, PROTOBUF))
    answer = ask(cluster, message((1, 15)), PROTOBUF, Accept=PROTOBUF)
    equal((answer.status, answer.header("Content-Type")), (200, PROTOBUF))
    response = decode(answer.body)
    equal(response[1], [14])
    infos = [decode(each) for each in decode(response[15][0])[1]]
    check(info in decode(response[15][0])[1], f"{infos}")
    equal(weights(cluster)["binary"], 4.5)
    request_ = message((1, 1), (2, "pb"), (3, pb_scalar("cpus", 9)))
    done(ask(cluster, message((1, 29), (14, message((1, request_)))), PROTOBUF))
    done(ask(cluster, message((1, 30), (15, message((1, "pb")))), PROTOBUF))
    for body in (b"\xff", b"\x08", varint(1 << 40), message((1, 16), (6, message((1, b""))))):
        refused(ask(cluster, body, PROTOBUF), 400)


def test_requests_that_are_wrong(cluster):
    refused(exchange(cluster.port, request("GET", API)), 405, "POST")
    refused(exchange(cluster.port, request("POST", API, b"{}")), 400, "Content-Type")
    refused(ask(cluster, {}, "text/plain"), 415)
    refused(ask(cluster, {}, JSON + "; charset=utf-8"), 415)
    refused(ask(cluster, {"type": "GET_HEALTH"}, Accept="text/html"), 406)
    for body in (b"", b"{}", b"[]", b"null", b"x", b'{"type":"GET_WISDOM"}', b'{"type":7.5}',
                 b"\xff", b'{"type":' * 2000):
        refused(ask(cluster, body), 400)
    refused(ask(cluster, {"type": "UNKNOWN"}), 501, "UNKNOWN")
    for path in ("/api/v1/", "/api/v1/operator", "/master/api/v1"):
        equal(ask(cluster, {"type": "GET_HEALTH"}, path=path).status, 200, path)
    body = chunked(b'{"type":"GET_HEALTH"}')
    equal(exchange(cluster.port, request("POST", API, body, Content_Type=JSON,
                                         Transfer_Encoding="chunked")).status, 200)


if __name__ == "__main__":
    run_tests(watched(globals(), lambda cluster: [cluster.node_]), set_up)
