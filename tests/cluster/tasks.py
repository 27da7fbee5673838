"""Tasks as real processes: how they start, what they find, how they end, and who may not start."""
import json
import os
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from souk_cluster import (agent_of, amount, check, equal, http_request, output_of, query, read_raw,
                          run_tests, scalar, seconds,
                          task_info, wait_for)

ROOT_ONLY = os.geteuid() == 0
HARD_FILES = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
SOFT_FILES = 1000


def set_up(cluster):
    # What the agent starts with; it raises its own.
    resource.setrlimit(resource.RLIMIT_NOFILE, (SOFT_FILES, HARD_FILES))
    cluster.pair("--offer_timeout=0secs")
    cluster.agent_node = cluster.processes[1]
    cluster.main = cluster.scheduler(name="tasks", capabilities=["PARTITION_AWARE",
                                                                 "TASK_KILLING_STATE"])


def finish(cluster, name, command, **more):
    """Runs one to its end: (terminal status, stdout)."""
    agent = cluster.main.run(name, command, **more)
    status = cluster.main.wait_terminal(name)
    return status, output_of(cluster.master_node, cluster.main, agent, name)


def exit_code(status):
    labels = {each["key"]: each["value"] for each in status.get("labels", {}).get("labels", [])}
    return labels.get("souk.exit_code")


# --- how they start


def test_shell(cluster):
    status, out = finish(cluster, "shell", "echo $((40 + 2)) | tr 4 5")
    equal((status["state"], out), ("TASK_FINISHED", "52\n"))


def test_arguments_are_passed_as_they_are(cluster):
    status, out = finish(cluster, "argv", ["printf", "%s|", "a b", "$HOME", ""])
    equal((status["state"], out), ("TASK_FINISHED", "a b|$HOME||"))


def test_argv_0_is_the_first_argument(cluster):
    command = {"shell": False, "value": "/bin/sh", "arguments": ["mine", "-c", "echo $0"]}
    status, out = finish(cluster, "argv0", command)
    equal((status["state"], out), ("TASK_FINISHED", "mine\n"))


def test_states_in_order_with_uuids(cluster):
    finish(cluster, "order", "true")
    statuses = cluster.main.of("order")
    equal([s["state"] for s in statuses], ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"])
    for status in statuses:
        equal(status["source"], "SOURCE_EXECUTOR")
        equal(status["agent_id"]["value"], cluster.agent_node.id)
        check("uuid" in status and status["timestamp"] > 1e9, f"{status}")


def test_environment_is_clean(cluster):
    status, out = finish(cluster, "environment", ["env"],
                         env={"MINE": "a=b c", "PATH": "/usr/bin:/bin"})
    equal(status["state"], "TASK_FINISHED")
    seen = dict(line.split("=", 1) for line in out.splitlines())
    equal(seen["MINE"], "a=b c")
    equal(seen["PATH"], "/usr/bin:/bin", "the command's own value wins")
    equal(seen["MESOS_FRAMEWORK_ID"], cluster.main.id)
    equal(seen["MESOS_TASK_ID"], "environment")
    equal(seen["MESOS_SLAVE_ID"], cluster.agent_node.id)
    equal(seen["MESOS_AGENT_ENDPOINT"], cluster.agent_node.address)
    check(seen["MESOS_SANDBOX"].startswith(str(cluster.agent_node.work_dir)), seen["MESOS_SANDBOX"])
    strange = [name for name in seen if not name.startswith("MESOS_") and name not in
               ("MINE", "PATH", "USER", "HOME", "PWD", "SHLVL", "_")]
    equal(strange, [], "variables of the agent")


def test_works_in_its_sandbox_with_stdin_empty(cluster):
    status, out = finish(cluster, "place", "pwd; cat; echo $MESOS_SANDBOX; ls -A")
    equal(status["state"], "TASK_FINISHED")
    here, told, *files = out.splitlines()
    equal(here, told)
    equal(files, ["stderr", "stdout"])


def test_limits_are_those_that_the_agent_was_started_with(cluster):
    agent = resource.prlimit(cluster.agent_node.pid, resource.RLIMIT_NOFILE)
    equal(agent, (HARD_FILES, HARD_FILES), "the agent's own")
    status, out = finish(cluster, "rlimits", ["cat", "/proc/self/limits"])
    equal(status["state"], "TASK_FINISHED")
    equal(out, Path("/proc/self/limits").read_text(), "those of this test, which started the agent")
    check(f" {SOFT_FILES} " in out, out)


def test_user(cluster):
    if not ROOT_ONLY:
        return
    agent = cluster.main.run("user", "id -un; id -gn; echo $USER; echo x > mine; stat -c %U mine .",
                             user="nobody")
    equal(cluster.main.wait_terminal("user")["state"], "TASK_FINISHED")
    out = output_of(cluster.master_node, cluster.main, agent, "user").split()
    equal(out[0], "nobody")
    equal(out[2:], ["nobody", "nobody", "nobody"], "USER, and who owns file and sandbox")


def test_user_of_the_framework(cluster):
    if not ROOT_ONLY:
        return
    refuse_all(cluster)
    mine = cluster.scheduler(name="nobody's", user="nobody")
    agent = mine.run("framework-user", "id -un")
    equal(mine.wait_terminal("framework-user")["state"], "TASK_FINISHED")
    equal(output_of(cluster.master_node, mine, agent, "framework-user"), "nobody\n")
    mine.call("TEARDOWN")
    cluster.main.call("REVIVE", {})


def test_unknown_user(cluster):
    if not ROOT_ONLY:
        return
    cluster.main.run("stranger", "true", user="no-such-user")
    status = cluster.main.wait_terminal("stranger")
    equal((status["state"], status["reason"]), ("TASK_FAILED", "REASON_CONTAINER_LAUNCH_FAILED"))
    check("no-such-user" in status["message"], status["message"])


def test_unknown_program(cluster):
    cluster.main.run("no-program", ["/no/such/program"])
    status = cluster.main.wait_terminal("no-program")
    equal((status["state"], status["reason"]), ("TASK_FAILED", "REASON_CONTAINER_LAUNCH_FAILED"))
    check("/no/such/program" in status["message"], status["message"])


# --- how they end


def test_exit_statuses(cluster):
    table = [("true", "TASK_FINISHED", "Command exited with status 0", "0"),
             ("exit 3", "TASK_FAILED", "Command exited with status 3", "3"),
             ("exit 255", "TASK_FAILED", "Command exited with status 255", "255"),
             ("kill -9 $$", "TASK_FAILED", "Command terminated with signal Killed", "137"),
             ("kill -TERM $$", "TASK_FAILED", "Command terminated with signal Terminated", "143"),
             ("kill -SEGV $$", "TASK_FAILED", "Command terminated with signal Segmentation fault",
              "139"),
             ("no-such-command-here", "TASK_FAILED", "Command exited with status 127", "127")]
    for i, (command, *_) in enumerate(table):
        cluster.main.run(f"exit-{i}", command)
    for i, (command, *expected) in enumerate(table):
        status = cluster.main.wait_terminal(f"exit-{i}")
        equal([status["state"], status["message"], exit_code(status)], expected, command)
        check("reason" not in status, f"{command}: {status}")


def test_what_it_leaves_behind_is_killed(cluster):
    status, out = finish(cluster, "orphans", "sleep 1234 & echo $!")
    equal(status["state"], "TASK_FINISHED")
    pid = int(out)
    wait_for(lambda: not Path(f"/proc/{pid}").exists(), "its background process to be killed")


def test_kill_with_grace(cluster):
    agent = cluster.main.run("polite",
                             "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 1; done")
    wait_for(lambda: "ready" in task_output(cluster, agent, "polite"), "the trap")
    cluster.main.kill("polite", grace=60)
    status = cluster.main.wait_terminal("polite")
    equal((status["state"], exit_code(status)), ("TASK_KILLED", "0"))
    check("TASK_KILLING" in cluster.main.states("polite"), cluster.main.states("polite"))
    equal(output_of(cluster.master_node, cluster.main, agent, "polite"), "ready\nbye\n")


def task_output(cluster, agent, task):
    path = f"/frameworks/{cluster.main.id}/executors/{task}/runs/latest/stdout"
    status, body = read_raw(cluster.master_node, agent, path)
    return body.decode() if status == 200 else ""


def test_kill_of_who_ignores_it(cluster):
    agent = cluster.main.run("stubborn", "trap '' TERM; echo ready; while :; do sleep 0.05; done",
                             kill_policy={"grace_period": seconds(0.5)})
    wait_for(lambda: "ready" in task_output(cluster, agent, "stubborn"), "the trap")
    began = time.monotonic()
    cluster.main.kill("stubborn")
    status = cluster.main.wait_terminal("stubborn")
    equal((status["state"], exit_code(status)), ("TASK_KILLED", "137"))
    check(time.monotonic() - began >= 0.4, "it had its grace")


def test_a_second_kill_shortens_the_grace(cluster):
    agent = cluster.main.run("twice", "trap '' TERM; echo ready; while :; do sleep 0.05; done")
    wait_for(lambda: "ready" in task_output(cluster, agent, "twice"), "the trap")
    cluster.main.kill("twice", grace=3600)
    cluster.main.wait_status("twice", "TASK_KILLING")
    cluster.main.kill("twice", grace=0)
    equal(cluster.main.wait_terminal("twice")["state"], "TASK_KILLED")


def test_kill_reaches_the_whole_tree(cluster):
    agent = cluster.main.run("tree", "sleep 1234 & echo $!; setsid sleep 1234 & echo $!; wait")
    wait_for(lambda: len(task_output(cluster, agent, "tree").split()) == 2, "both children")
    pids = [int(each) for each in task_output(cluster, agent, "tree").split()]
    cluster.main.kill("tree")
    equal(cluster.main.wait_terminal("tree")["state"], "TASK_KILLED")
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids),
             "all of its processes to end")


def test_kill_of_an_unknown_task_reconciles_it(cluster):
    cluster.main.kill("never-was", agent=cluster.agent_node.id)
    status = cluster.main.wait_status("never-was", "TASK_GONE")
    equal((status["source"], status["reason"]), ("SOURCE_MASTER", "REASON_RECONCILIATION"))


def test_max_completion_time(cluster):
    cluster.main.run("slow", "sleep 1234", max_completion_time=seconds(0.3))
    status = cluster.main.wait_terminal("slow")
    equal((status["state"], status["reason"]), ("TASK_FAILED",
                                                "REASON_MAX_COMPLETION_TIME_REACHED"))


def test_reconciliation(cluster):
    agent = cluster.main.run("reconciled", "sleep 1234")
    cluster.main.wait_status("reconciled", "TASK_RUNNING")
    mark = cluster.main.mark()
    cluster.main.reconcile("reconciled", ("unknown-task", agent), ("of-nobody", "no-such-agent"))
    status = cluster.main.wait_status("reconciled", "TASK_RUNNING", mark)
    equal((status["source"], status["reason"], status["message"], "uuid" in status),
          ("SOURCE_MASTER", "REASON_RECONCILIATION", "Reconciliation: Latest task state", False))
    equal(cluster.main.wait_status("unknown-task", "TASK_GONE", mark)["message"],
          "Reconciliation: Task is unknown to the agent")
    cluster.main.wait_status("of-nobody", "TASK_UNKNOWN", mark)
    mark = cluster.main.mark()
    cluster.main.reconcile()
    cluster.main.wait_status("reconciled", "TASK_RUNNING", mark)
    cluster.main.kill("reconciled")
    cluster.main.wait_status("reconciled", "TASK_KILLED")


# --- sandboxes


def test_sandbox_layout_and_files(cluster):
    agent = cluster.main.run("files",
                             "echo out; echo err >&2; mkdir sub; "
                              "printf 'h\\303\\251llo' > sub/data")
    status = cluster.main.wait_terminal("files")
    container = status["container_status"]["container_id"]["value"]
    runs = (cluster.agent_node.work_dir / "slaves" / agent / "frameworks" / cluster.main.id /
            "executors/files/runs")
    equal(sorted(each.name for each in runs.iterdir()), sorted([container, "latest"]))
    equal(os.readlink(runs / "latest"), container)
    equal((runs / "latest/stdout").read_text(), "out\n")
    equal(output_of(cluster.master_node, cluster.main, agent, "files", "stderr"), "err\n")
    virtual = f"/frameworks/{cluster.main.id}/executors/files/runs/{container}"
    servers = [(cluster.master_node.port, f"/souk/v1/agents/{agent}/files"),
               (cluster.agent_node.port, "/files"),
               (cluster.agent_node.port, "/slave(1)/files")]
    for port, prefix in servers:
        for base in (virtual, str(runs / container)):
            files_of_one(port, prefix, base)


def files_of_one(port, prefix, base):
    def get(what, **parameters):
        status, headers, body = http_request(port, "GET", query(f"{prefix}/{what}", **parameters))
        equal(status, 200, f"{what} {parameters}: {body!r}")
        return headers, body
    listed = json.loads(get("browse", path=base)[1])
    equal([each["path"] for each in listed], [f"{base}/{name}" for name in ("stderr", "stdout",
                                                                            "sub")])
    equal((listed[1]["size"], listed[1]["mode"][0], listed[2]["mode"][0]), (4, "-", "d"))
    equal(json.loads(get("read", path=f"{base}/stdout", offset=-1)[1]), {"data": "", "offset": 4})
    equal(json.loads(get("read", path=f"{base}/stdout", offset=1, length=2)[1]),
          {"data": "ut", "offset": 1})
    equal(json.loads(get("read", path=f"{base}/sub/data", offset=0)[1])["data"], "h\u00e9llo")
    equal(get("raw", path=f"{base}/stdout")[1], b"out\n", "raw without an offset")
    headers, body = get("raw", path=f"{base}/sub/data", offset=1)
    equal((headers["Content-Type"], body), ("application/octet-stream", b"\xc3\xa9llo"))


def test_no_way_out_of_a_sandbox(cluster):
    secret = cluster.folder / "secret"
    secret.write_text("secret\n")
    agent = cluster.main.run("escape",
                             f"ln -s {secret} direct; ln -s / root; "
                              "ln -s ../../../../../../../../.. up; "
                             "mkfifo pipe; ln stdout hard; echo inside > file; ln -s file inner")
    equal(cluster.main.wait_terminal("escape")["state"], "TASK_FINISHED")
    base = f"/frameworks/{cluster.main.id}/executors/escape/runs/latest"
    equal(read_raw(cluster.master_node, agent, f"{base}/inner"), (200, b"inside\n"),
          "a link within")
    bad = [f"{base}/direct", f"{base}/root/etc/passwd", f"{base}/up/etc/passwd", f"{base}/pipe",
           "/etc/passwd",
           f"{base}/../../../../../../../../../../etc/passwd", f"{base}/nothing", "relative",
           f"{secret}",
           f"{cluster.agent_node.work_dir}/slaves/../../secret"]
    for path in bad:
        for port, prefix in ((cluster.master_node.port, f"/souk/v1/agents/{agent}/files"),
                             (cluster.agent_node.port, "/files")):
            status, _, body = http_request(port, "GET", query(f"{prefix}/raw", path=path))
            check(status in (400, 403, 404), f"{path}: {status} {body!r}")
            check(b"secret\n" not in body and b"root:" not in body, f"{path} gave {body!r}")


def test_files_refusals(cluster):
    agent = cluster.agent_node.id
    for path, expected in ((f"/souk/v1/agents/{agent}/files/raw", 400),
                           (f"/souk/v1/agents/{agent}/files/raw?path=%2Fframeworks%2Fx&offset=abc",
                            400),
                           (f"/souk/v1/agents/{agent}/files/nothing?path=x", 404),
                           ("/souk/v1/agents/no-such-agent/files/raw?path=%2Fframeworks%2Fx", 404)):
        equal(cluster.master_node.request("GET", path)[0], expected, path)


# --- groups


def executor(name):
    return {"type": "DEFAULT", "executor_id": {"value": name},
            "resources": [scalar("cpus", 0.1), scalar("mem", 32)]}


def run_group(cluster, name, *commands):
    """Each command a task `<name>-<number>`."""
    offers = cluster.main.wait_offers(cpus=1)
    agent = agent_of(offers)
    tasks = [task_info(f"{name}-{i}", agent, each) for i, each in enumerate(commands)]
    cluster.main.launch_group(offers, executor(name), *tasks)
    return agent


def test_group_runs(cluster):
    agent = run_group(cluster, "group", "echo one; echo $MESOS_TASK_ID", "echo two")
    for i in range(2):
        equal(cluster.main.wait_terminal(f"group-{i}")["state"], "TASK_FINISHED")
        equal(cluster.main.of(f"group-{i}")[0]["executor_id"]["value"], "group")
    equal(output_of(cluster.master_node, cluster.main, agent, "group", "tasks/group-0/stdout"),
          "one\ngroup-0\n")
    equal(output_of(cluster.master_node, cluster.main, agent, "group", "tasks/group-1/stdout"),
          "two\n")


def test_one_failing_kills_its_group(cluster):
    run_group(cluster, "doomed", "sleep 1234", "sleep 0.2; exit 7", "sleep 1234")
    failed = cluster.main.wait_terminal("doomed-1")
    equal((failed["state"], failed["message"]), ("TASK_FAILED", "Command exited with status 7"))
    for i in (0, 2):
        equal(cluster.main.wait_terminal(f"doomed-{i}")["state"], "TASK_KILLED")


def test_one_finishing_does_not_kill_its_group(cluster):
    run_group(cluster, "mixed", "true", "sleep 0.5")
    equal(cluster.main.wait_terminal("mixed-0")["state"], "TASK_FINISHED")
    equal(cluster.main.wait_terminal("mixed-1")["state"], "TASK_FINISHED")


def test_kill_of_one_kills_its_group(cluster):
    run_group(cluster, "killed", "sleep 1234", "sleep 1234")
    cluster.main.wait_status("killed-1", "TASK_RUNNING")
    cluster.main.kill("killed-0")
    for i in range(2):
        equal(cluster.main.wait_terminal(f"killed-{i}")["state"], "TASK_KILLED")


def test_group_of_which_one_cannot_start(cluster):
    run_group(cluster, "half", "sleep 1234", ["/no/such/program"])
    for i in range(2):
        check(cluster.main.wait_terminal(f"half-{i}")["state"] in ("TASK_FAILED", "TASK_KILLED"), i)
    check("TASK_RUNNING" not in cluster.main.states("half-1"), cluster.main.states("half-1"))


def test_group_is_refused_as_one(cluster):
    offers = cluster.main.wait_offers(cpus=1)
    agent = agent_of(offers)
    cluster.main.launch_group(offers, executor("bad"), task_info("bad-0", agent, "true"),
                              task_info("bad-1", agent, "true", cpus=-1))
    for i in range(2):
        status = cluster.main.wait_terminal(f"bad-{i}")
        equal((status["state"], status["reason"]), ("TASK_ERROR", "REASON_TASK_GROUP_INVALID"))


# --- who may not start


def refuse(cluster, name, why, **more):
    """A task that is TASK_ERROR with `why` in its message."""
    offers = cluster.main.wait_offers()
    task = task_info(name, agent_of(offers), "true")
    task.update(more)
    cluster.main.launch(offers, {k: v for k, v in task.items() if v is not None})
    status = cluster.main.wait_terminal(task["task_id"]["value"])
    equal((status["state"], status["source"]), ("TASK_ERROR", "SOURCE_MASTER"), name)
    equal(status["reason"], "REASON_TASK_INVALID", name)
    check("uuid" not in status, f"{name}: {status}")
    check(why.lower() in status["message"].lower(),
          f"{name}: expected {why!r} in {status['message']!r}")


def test_validation(cluster):
    refuse(cluster, "no-command", "CommandInfo or ExecutorInfo", command=None)
    refuse(cluster, "no-resources", "no resources", resources=[])
    refuse(cluster, "too-much", "", resources=[scalar("cpus", 1000)])
    refuse(cluster, "negative", "invalid resources", resources=[scalar("cpus", -1)])
    refuse(cluster, "elsewhere", "agent", agent_id={"value": "another"})
    refuse(cluster, "slash", "", task_id={"value": "a/b"})
    refuse(cluster, "dots", "", task_id={"value": ".."})
    refuse(cluster, "long", "", task_id={"value": "x" * 256})
    refuse(cluster, "grace", "grace_period", kill_policy={"grace_period": {"nanoseconds": -1}})


def test_features_that_are_not_built_are_refused_by_name(cluster):
    def with_uris(value):
        return {"shell": True, "value": "true", "uris": [{"value": value}]}
    refuse(cluster, "uris", "uris", command=with_uris("http://127.0.0.1/x"))
    refuse(cluster, "container", "container", container={"type": "DOCKER",
                                                         "docker": {"image": "busybox"}})
    refuse(cluster, "health", "health check",
           health_check={"type": "COMMAND", "command": {"shell": True, "value": "true"}})
    refuse(cluster, "check", "check", check={"type": "COMMAND",
                                             "command": {"command": {"value": "true"}}})
    refuse(cluster, "limits", "limits", limits={"cpus": {"value": 1}})


def test_duplicate_ids(cluster):
    cluster.main.run("same", "sleep 1234")
    cluster.main.wait_status("same", "TASK_RUNNING")
    mark = cluster.main.mark()
    cluster.main.run("same", "true")
    status = cluster.main.wait_status("same", "TASK_ERROR", mark)
    equal((status["source"], status["reason"]), ("SOURCE_MASTER", "REASON_TASK_INVALID"))
    cluster.main.reconcile("same")
    cluster.main.wait_status("same", "TASK_RUNNING", mark, reason="REASON_RECONCILIATION")
    cluster.main.kill("same")
    cluster.main.wait_status("same", "TASK_KILLED")
    offers = cluster.main.wait_offers(cpus=1)
    agent = agent_of(offers)
    cluster.main.launch(offers, task_info("double", agent, "sleep 0.3"),
                        task_info("double", agent, "sleep 0.3"))
    cluster.main.wait_status("double", "TASK_FINISHED")
    cluster.main.wait_status("double", "TASK_ERROR")


def test_an_offer_is_used_once(cluster):
    offers = cluster.main.wait_offers(cpus=1)
    agent = agent_of(offers)
    cluster.main.launch(offers, task_info("first", agent, "true"))
    cluster.main.launch(offers, task_info("second", agent, "true"))
    status = cluster.main.wait_terminal("second")
    equal((status["state"], status["reason"]), ("TASK_DROPPED", "REASON_INVALID_OFFERS"))
    equal(cluster.main.wait_terminal("first")["state"], "TASK_FINISHED")


def test_tasks_of_one_offer_share_it(cluster):
    offers = cluster.main.wait_offers(cpus=1)
    agent = agent_of(offers)
    cpus = round(sum(amount(each, "cpus") for each in offers), 3)
    cluster.main.launch(offers, task_info("fits", agent, "true", cpus=cpus),
                        task_info("does-not", agent, "true"))
    equal(cluster.main.wait_terminal("does-not")["state"], "TASK_ERROR")
    equal(cluster.main.wait_terminal("fits")["state"], "TASK_FINISHED")


# --- offers


def whole(cluster):
    """One offer of all that the agent has, when nothing runs: a filter is about one offer."""
    parts = cluster.main.wait_offers(cpus=4)
    if len(parts) > 1:
        cluster.main.decline(*parts, refuse=0)
    def one():
        offers = cluster.main.wait_offers(cpus=4)
        return offers if len(offers) == 1 and amount(offers[0], "mem") == 2048 else None
    return wait_for(one, lambda: f"one offer instead of {cluster.main.offers}")


def refuse_all(cluster):
    cluster.main.decline(*whole(cluster), refuse=3600)


def test_decline_filters_and_revive(cluster):
    refuse_all(cluster)
    time.sleep(0.3)
    equal(cluster.main.offers, {}, "offers in spite of the filter")
    cluster.main.call("REVIVE", {})
    cluster.main.decline(*whole(cluster), refuse=0.2)
    cluster.main.wait_offers(cpus=4)


def test_suppress_and_revive(cluster):
    cluster.main.call("SUPPRESS", {})
    cluster.main.decline(*whole(cluster), refuse=0)
    time.sleep(0.3)
    equal(cluster.main.offers, {}, "offers to who is suppressed")
    cluster.main.call("SUPPRESS", {})
    cluster.main.call("REVIVE", {})
    cluster.main.wait_offers(cpus=4)


def test_what_is_declined_goes_to_another(cluster):
    offers = whole(cluster)
    other = cluster.scheduler(name="other")
    time.sleep(0.1)
    equal(other.offers, {}, "what the first holds")
    cluster.main.decline(*offers, refuse=3600)
    other.wait_offers(cpus=4)
    other.call("TEARDOWN")
    cluster.main.call("REVIVE", {})
    cluster.main.wait_offers(cpus=4)


def test_teardown_kills_the_tasks(cluster):
    refuse_all(cluster)
    other = cluster.scheduler(name="short-lived")
    agent = other.run("orphan", "echo $$; sleep 1234")
    other.wait_status("orphan", "TASK_RUNNING")
    out = wait_for(lambda: output_of(cluster.master_node, other, agent, "orphan"), "its pid")
    other.call("TEARDOWN")
    wait_for(lambda: not Path(f"/proc/{int(out)}").exists(), "the task to be killed")
    other.subscribe()
    equal(other.wait_event("ERROR")["error"]["message"], "Framework has been removed")
    cluster.main.call("REVIVE", {})


if __name__ == "__main__":
    run_tests(globals(), set_up)
