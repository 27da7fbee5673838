"""The endpoints of old: how paths are found, what methods and parameters do; unknown ones."""
import gzip
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from http_raw import JSON, exchange, parse_json, refused, request, watched
from souk_cluster import check, equal, run_tests, wait_for

DOCUMENTS = ("state", "state-summary", "slaves", "frameworks", "tasks", "roles", "flags", "version",
             "metrics/snapshot")


def set_up(cluster):
    cluster.node_ = cluster.local("--agents=2", "--resources=cpus:2;mem:512",
                                  "--offer_timeout=0secs")
    cluster.port = cluster.node_.port
    cluster.main = cluster.scheduler(port=cluster.port, name="main")
    cluster.tasks = [f"task-{n}" for n in range(5)]
    for name in cluster.tasks:
        cluster.main.run(name, "true")
        equal(cluster.main.wait_terminal(name)["state"], "TASK_FINISHED")
    wait_for(lambda: len(get(cluster, "/tasks")["tasks"]) == 5, "the tasks to be listed")


def get(cluster, path):
    answer = exchange(cluster.port, request("GET", path))
    equal((answer.status, answer.header("Content-Type")), (200, JSON), path)
    return parse_json(answer.body)


def test_aliases(cluster):
    for document in DOCUMENTS:
        keys = None
        for path in (f"/{document}", f"/{document}.json", f"/master/{document}",
                     f"/master/{document}.json", f"/{document}/",
                     f"//master//{document}/", f"http://souk/{document}", f"/{document}?",
                     f"/{document}#x"):
            parsed = get(cluster, path)
            check(isinstance(parsed, dict) and parsed, path)
            keys = keys or parsed.keys()
            equal(parsed.keys(), keys, path)


def test_any_method(cluster):
    for document in DOCUMENTS:
        for method, body in (("POST", b"form=1"), ("PUT", b""), ("DELETE", None),
                             ("BREW", b"x" * 1000)):
            answer = exchange(cluster.port, request(method, f"/{document}", body,
                                                    Content_Type="text/plain"))
            equal(answer.status, 200, f"{method} /{document}")


def test_unknown_paths(cluster):
    for path in ("/nothing", "/states", "/state.jsonx", "/master", "/master/nothing",
                 "/slave(1)/state", "/..", "/%20",
                 "/api", "/api/v2/scheduler", "/" + "x" * 10_000, "/" + "a/" * 5000,
                 "/gr%c3%b6%c3%9fe"):
        answer = exchange(cluster.port, request("GET", path))
        if path == "/master":  # the same as "/"
            check(answer.status in (200, 404), f"{answer}")
            continue
        equal(answer.status, 404, path)
        check("There is nothing at" in answer.text, f"{answer}")


def test_redirect(cluster):
    for path in ("/redirect", "/master/redirect", "/redirect/"):
        answer = exchange(cluster.port, request("GET", path))
        equal((answer.status, answer.body, answer.header("Location")),
              (307, b"", f"//127.0.0.1:{cluster.port}"))


def test_health(cluster):
    for path in ("/health", "/master/health", "/health.json"):
        answer = exchange(cluster.port, request("GET", path))
        equal((answer.status, answer.body, answer.header("Content-Length")), (200, b"", "0"), path)


def test_jsonp(cluster):
    plain = get(cluster, "/version")
    for name in ("callback", "jQuery.f_1", "$"):
        answer = exchange(cluster.port, request("GET", f"/version?jsonp={name}"))
        equal((answer.status, answer.header("Content-Type")), (200, "text/javascript"))
        check(answer.text.startswith(name + "(") and answer.text.endswith(");"), answer.text)
        equal(json.loads(answer.text[len(name) + 1:-2]).keys(), plain.keys())
    for name in ("alert(1)//", "%3Cscript%3E", "a%20b", "", "x" * 1000, "a%0ab"):
        answer = exchange(cluster.port, request("GET", f"/version?jsonp={name}"))
        equal(answer.header("Content-Type"), JSON, "what is no name is passed over")
        parse_json(answer.body)


def test_gzip(cluster):
    answer = exchange(cluster.port, request("GET", "/state", Accept_Encoding="deflate, gzip;q=0.8"))
    equal(answer.header("Content-Encoding"), "gzip")
    parse_json(gzip.decompress(answer.body))
    for coding in (None, "identity", "gzip;q=0", "deflate"):
        answer = exchange(cluster.port, request("GET", "/state", Accept_Encoding=coding))
        equal(answer.header("Content-Encoding"), None, f"{coding}")
        parse_json(answer.body)


def test_tasks(cluster):
    def names(parameters):
        return [each["id"] for each in get(cluster, "/tasks?" + parameters)["tasks"]]
    equal(names("order=asc"), cluster.tasks)
    equal(names("order=desc"), cluster.tasks[::-1])
    equal(names(""), cluster.tasks[::-1], "the latest first")
    equal(names("limit=2"), cluster.tasks[:2:-1])
    equal(names("limit=2&offset=1&order=asc"), cluster.tasks[1:3])
    equal(names("limit=0"), [])
    equal(names("offset=5"), [])
    equal(names("offset=99999999999999999999&limit=-1&order=sideways"), cluster.tasks[::-1],
          "nonsense is passed over")
    equal(names(f"limit={2 ** 64 - 1}&offset={2 ** 64 - 1}"), [])
    equal(names("task_id=task-3"), ["task-3"])
    equal(names(f"framework_id={cluster.main.id}&task_id=task-1"), ["task-1"])
    equal(names("framework_id=nobody"), [])
    equal(names("task_id=" + "x" * 10_000), [])


def test_slaves(cluster):
    slaves = get(cluster, "/slaves")["slaves"]
    equal(len(slaves), 2)
    for slave in slaves:
        for path in (f"/slaves/{slave['id']}", f"/slaves?slave_id={slave['id']}",
                     f"/master/slaves/{slave['id']}/"):
            equal([each["id"] for each in get(cluster, path)["slaves"]], [slave["id"]], path)
        port = int(slave["pid"].rsplit(":", 1)[1])
        equal(slave["pid"], f"slave(1)@127.0.0.1:{port}")
        answer = exchange(port, request("GET", "/slave(1)/state"))
        equal(parse_json(answer.body)["id"], slave["id"])
    equal(get(cluster, "/slaves/nobody")["slaves"], [])
    equal(get(cluster, "/slaves?slave_id=..%2f..")["slaves"], [])
    equal([each["id"] for each in get(cluster, f"/frameworks/{cluster.main.id}")["frameworks"]],
          [cluster.main.id])
    equal(get(cluster, "/frameworks/nobody")["frameworks"], [])


def test_what_readers_of_state_count_on(cluster):
    state = get(cluster, "/state")
    equal((state["leader"], state["pid"]), (f"master@127.0.0.1:{cluster.port}",) * 2)
    check(all(part.isdigit() and int(part) <= 100 for part in state["version"].split(".")),
          state["version"])
    for key in ("slaves", "frameworks", "completed_frameworks", "orphan_tasks",
                "unregistered_frameworks", "flags", "id",
                "hostname", "start_time", "elected_time", "activated_slaves", "deactivated_slaves",
                "recovered_slaves"):
        check(key in state, key)
    check("pid" not in state["frameworks"][0], "frameworks of the HTTP API have no pid")


def test_files_of_agents(cluster):
    agent = get(cluster, "/slaves")["slaves"][0]["id"]
    for path in (f"/souk/v1/agents/{agent}", f"/souk/v1/agents/{agent}/files/nothing",
                 "/souk/v1/agents"):
        refused(exchange(cluster.port, request("GET", path)), 404)
    for query in ("", "?path=", "?path=/x&offset=y", "?path=/x&length=-5"):
        refused(exchange(cluster.port, request("GET",
                                               f"/souk/v1/agents/{agent}/files/read{query}")), 400)
    for who, path in (("nobody", "/slave/log"), (agent, "/etc/passwd"),
                      (agent, "/frameworks/../../../../etc/passwd")):
        target = f"/souk/v1/agents/{who}/files/raw?path={path}&offset=0"
        answer = exchange(cluster.port, request("GET", target))
        check(answer.status in (400, 403, 404) and b"root:" not in answer.body, f"{path}: {answer}")


def test_the_call_of_souk_local(cluster):
    refused(exchange(cluster.port, request("GET", "/souk/v1/local/drop/x")), 405)
    for path in ("/souk/v1/local/drop/nobody", "/souk/v1/local/drop/", "/souk/v1/local",
                 "/souk/v1/local/nothing"):
        refused(exchange(cluster.port, request("POST", path, b"")), 404)


if __name__ == "__main__":
    run_tests(watched(globals(), lambda cluster: [cluster.node_]), set_up)
