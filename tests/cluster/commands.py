"""What people type: souk run, status, local, and what the commands say to mistakes."""
import json
import os
import re
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from souk_cluster import (SOUK, Node, alive, check, clean_environment, equal, free_port, run_tests,
                          wait_for)


def set_up(cluster):
    cluster.local_node = cluster.local("--agents=2", "--resources=cpus:2;mem:1024;disk:1024")


def run(cluster, *arguments, **more):
    return cluster.souk("run", f"--master={cluster.local_node.address}", *arguments, **more)


def fails(outcome, status, *texts):
    """An exit status, nothing on standard output, and these on standard error."""
    equal(outcome[0], status, outcome[2])
    equal(outcome[1], "")
    for text in texts:
        check(text in outcome[2], f"expected {text!r} in {outcome[2]!r}")
    check(len(outcome[2].splitlines()) <= 5, f"too much to read: {outcome[2]}")


def no_frameworks(cluster):
    wait_for(lambda: not cluster.local_node.state()["frameworks"], "all frameworks to be gone")


# --- souk run


def test_run_prints_and_exits_as_the_task(cluster):
    equal(run(cluster, "--", "echo", "hello  world"), (0, "hello  world\n", ""))
    status, out, err = run(cluster, "--shell", "--", "echo out; echo err >&2; exit 7")
    equal((status, out), (7, "out\n"))
    lines = sorted(err.splitlines())
    equal(lines[0], "err")
    check(len(lines) == 2 and lines[1].endswith("TASK_FAILED: Command exited with status 7"), err)
    equal(run(cluster, "--quiet", "--shell", "--", "exit 3"), (3, "", ""))
    equal(run(cluster, "--quiet", "--shell", "--", "kill -9 $$")[0], 137)
    no_frameworks(cluster)


def test_run_gives_all_output(cluster):
    status, out, _ = run(cluster, "--shell", "--",
                         "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done")
    equal(status, 0)
    equal(out, "".join(f"line {i}\n" for i in range(20000)))


def test_run_output_without_newline_and_bytes(cluster):
    equal(run(cluster, "--", "printf", "no newline")[1], "no newline")
    equal(run(cluster, "--shell", "--", r"printf '\303\251\360\237\230\200\n'")[1],
          "\u00e9\U0001f600\n")


def test_run_environment_and_arguments(cluster):
    status, out, _ = run(cluster, "--env", "A=1 2", "--env=B=x=y", "--", "sh", "-c",
                         'echo "$A|$B|$HOME_NOT|$1"', "sh",
                         "--cpus=9")
    equal((status, out), (0, "1 2|x=y||--cpus=9\n"))


def test_run_instances(cluster):
    status, out, err = run(cluster, "--instances=6", "--shell", "--", "echo number $SOUK_INSTANCE")
    equal((status, err), (0, ""))
    equal(sorted(out.splitlines()), [f"[{i}] number {i}" for i in range(6)])
    status, _, err = run(cluster, "--instances=3", "--shell", "--", "exit $SOUK_INSTANCE")
    check(status in (1, 2), f"the status of one that failed, not {status}")
    equal(err.count("TASK_FAILED"), 2, err)


def test_run_more_instances_than_there_is_room_for(cluster):
    status, out, _ = run(cluster, "--instances=9", "--cpus=1", "--", "echo", "x")
    equal((status, len(out.splitlines())), (0, 9))


def test_run_retries(cluster):
    mark = cluster.folder / "once"
    status, _, err = run(cluster, "--retries=1", "--shell", "--",
                         f"[ -e {mark} ] || {{ touch {mark}; exit 9; }}")
    equal(status, 0, err)
    check("running it again" in err, err)


def test_run_unknown_program(cluster):
    fails(run(cluster, "--", "no-such-program-anywhere"), 1, "no-such-program-anywhere",
          "TASK_FAILED")
    no_frameworks(cluster)


def test_run_mistakes(cluster):
    fails(run(cluster, "--cpus=0", "--mem=0", "--", "true"), 1, "--cpus")
    fails(run(cluster, "--env", "NOVALUE", "--", "true"), 1, "NOVALUE")
    fails(run(cluster, "--instances=0", "--", "true"), 1, "--instances")
    fails(run(cluster, "--instance=2", "--", "true"), 2, "--instance", "did you mean --instances?")
    fails(run(cluster), 2, "command")
    fails(run(cluster, "--resources=ports:[5-", "--", "true"), 1, "ports")
    fails(cluster.souk("run", "--master=zk://x/y", "--", "true"), 1, "--master=HOST:PORT")


def interrupted(cluster, number, expected):
    mark = cluster.folder / f"pid-{number}"
    process = cluster.background(f"run-{number}", "run", f"--master={cluster.local_node.address}",
                                 "--shell", "--",
                                 f"echo $$ > {mark}; sleep 1234")
    pid = int(wait_for(lambda: mark.exists() and mark.read_text().strip(), "the task to run"))
    process.popen.send_signal(number)
    equal(process.wait(), expected, process.text())
    wait_for(lambda: not alive(pid), "the task to be killed")
    no_frameworks(cluster)


def test_run_cleans_up_when_interrupted(cluster):
    interrupted(cluster, signal.SIGINT, 130)
    interrupted(cluster, signal.SIGTERM, 143)


def test_run_interrupted_while_it_waits_for_offers(cluster):
    process = cluster.background("waits", "run", f"--master={cluster.local_node.address}",
                                 "--cpus=100", "--", "true")
    wait_for(lambda: cluster.local_node.state()["frameworks"], "it to subscribe")
    process.popen.send_signal(signal.SIGINT)
    equal(process.wait(), 130, process.text())
    no_frameworks(cluster)


def test_run_killed_hard_leaves_nothing(cluster):
    mark = cluster.folder / "pid-killed"
    process = cluster.background("killed", "run", f"--master={cluster.local_node.address}",
                                 "--shell", "--",
                                 f"echo $$ > {mark}; sleep 1234")
    pid = int(wait_for(lambda: mark.exists() and mark.read_text().strip(), "the task to run"))
    process.kill()
    wait_for(lambda: not alive(pid), "the task to be killed")
    no_frameworks(cluster)


def test_run_survives_the_loss_of_an_agent(cluster):
    """On a cluster of its own, since it breaks it."""
    node = cluster.local("--agents=2", "--resources=cpus:2;mem:1024;disk:1024",
                         "--agent_ping_timeout=200ms",
                         "--max_agent_ping_timeouts=2", name="breaks")
    runs = cluster.folder / "runs"
    enough = cluster.folder / "enough"
    script = f"echo $$ >> {runs}; while [ ! -e {enough} ]; do sleep 0.05; done; echo done"
    process = cluster.background("lossy", "run", f"--master={node.address}", "--shell", "--",
                                 script)
    wait_for(lambda: runs.exists() and runs.read_text().split(), "the task to run")

    def place():
        tasks = [task for framework in node.state()["frameworks"] for task in framework["tasks"]]
        return tasks[0]["slave_id"] if tasks else None
    where = wait_for(place, "the task in the state")
    equal(node.request("GET", f"/souk/v1/local/drop/{where}")[0], 405)
    equal(node.request("POST", "/souk/v1/local/drop/nobody")[0], 404)
    equal(node.request("POST", f"/souk/v1/local/drop/{where}")[0], 202)
    wait_for(lambda: len(runs.read_text().split()) == 2, "the task to be run again")
    first, second = map(int, runs.read_text().split())
    wait_for(lambda: not alive(first), "the processes of the agent to be gone")
    check(alive(second), "the second run")
    check(place() != where, "it runs where the agent was lost")
    enough.touch()
    equal(process.wait(), 0, process.text())
    check("running it again" in process.text() and "done" in process.text(), process.text())
    node.stop()


# --- souk status


def test_status(cluster):
    process = cluster.background("shown", "run", f"--master={cluster.local_node.address}",
                                 "--cpus=1",
                                 "--name=shown", "--", "sleep", "1234")
    status_of = ("status", f"--master={cluster.local_node.address}")
    text = wait_for(lambda: next((t for t in [cluster.souk(*status_of)[1]] if "TASK_RUNNING" in t),
                                 None), "the task")
    for line in ("Agents (2)", "Frameworks (1)", "Tasks (1)", "agent1", "agent2", "souk run shown",
                 "shown.0",
                 "25.0% cpus", "1/2"):
        check(line in text, f"no {line!r} in\n{text}")
    status, out, err = cluster.souk(*status_of, "--json")
    equal((status, err), (0, ""))
    state = json.loads(out)
    equal(len(state["slaves"]), 2)
    equal(state["frameworks"][0]["tasks"][0]["id"], "shown.0")
    process.popen.send_signal(signal.SIGINT)
    process.wait()
    no_frameworks(cluster)


def test_status_without_a_master(cluster):
    port = free_port()
    fails(cluster.souk("status", f"--master=127.0.0.1:{port}"), 1, f"no master at 127.0.0.1:{port}",
          "souk local")


# --- souk local


def test_local_on_any_port(cluster):
    process = cluster.background("anywhere", "local", "--port=0", "--agents=1")
    text = wait_for(lambda: "work_dir" in process.text() and process.text(),
                    "it to say where it is")
    address, work_dir = re.search(r"1 agents? at http://(127\.0\.0\.1:\d+)\nwork_dir: (\S+)",
                                  text).groups()
    equal(cluster.souk("run", f"--master={address}", "--", "echo", "hi"), (0, "hi\n", ""))
    check(Path(work_dir).is_dir(), work_dir)
    mark = cluster.folder / "pid-of-local"
    cluster.background("goes-down", "run", f"--master={address}", "--shell", "--",
                       f"echo $$ > {mark}; sleep 1234")
    pid = int(wait_for(lambda: mark.exists() and mark.read_text().strip(), "the task to run"))
    process.popen.send_signal(signal.SIGINT)
    equal(process.wait(), 0, process.text())
    wait_for(lambda: not alive(pid), "the tasks to go with the cluster")
    check(not Path(work_dir).exists(), f"{work_dir} is left")


def test_local_keeps_a_work_dir_that_was_named(cluster):
    work_dir = cluster.folder / "kept"
    node = cluster.local("--agents=1", f"--work_dir={work_dir}", name="keeps")
    ids = [each["id"] for each in wait_for(lambda: node.state()["slaves"], "its agent")]
    node.stop()
    check(work_dir.is_dir(), "it is gone")
    node.restart()
    equal([each["id"] for each in wait_for(lambda: node.state()["slaves"], "its agent")], ids)
    node.stop()


# --- flags


def test_wrong_flags_name_the_right_one(cluster):
    table = [(("local", "--agnets=2"), "--agents"), (("master", "--workdir=/x"), "--work_dir"),
             (("agent", "--resource=x"), "--resources"), (("status", "--jsno"), "--json")]
    for arguments, right in table:
        fails(cluster.souk(*arguments), 2, arguments[1].split("=")[0], f"did you mean {right}?",
              "--help")
    fails(cluster.souk("statsu"), 2, "statsu", "did you mean `souk status`?")
    fails(cluster.souk("local", "--offer_timeout=soon"), 2, "soon")
    fails(cluster.souk("local", "--port=66000"), 2, "66000")
    fails(cluster.souk("local", "--weights=a"), 1, "--weights")
    fails(cluster.souk("master"), 2, "--work_dir")
    fails(cluster.souk("agent", f"--work_dir={cluster.folder}/x"), 2, "--master")


def test_help(cluster):
    status, out, err = cluster.souk("--help")
    equal((status, err), (0, ""))
    for command in ("master", "agent", "local", "run", "status", "demo"):
        check(re.search(rf"^  {command} +\S", out, re.M), f"{command} is not in the help")
        status, text, err = cluster.souk(command, "--help")
        equal((status, err), (0, ""), command)
        check(f"souk {command}" in text and "--" in text, text)
        check(max(map(len, text.splitlines())) <= 130, f"lines too long in souk {command} --help")
    equal(cluster.souk("--version")[0], 0)
    status, out, err = cluster.souk()
    check(status != 0 and "souk run -- echo hello" in out + err, f"souk alone says nothing: {out}{err}")


def test_flags_from_the_environment(cluster):
    for prefix in ("SOUK", "MESOS"):
        port = free_port()
        node = cluster.add(Node(f"by-{prefix}", cluster.folder, [SOUK, "local"], port=port,
                                environment=clean_environment(
            **{f"{prefix}_PORT": str(port), f"{prefix}_AGENTS": "1",
               f"{prefix}_CLUSTER": "named"}))).start()
        equal(node.state()["cluster"], "named")
        equal(node.get("/flags")["flags"]["port"], str(port))
        node.stop()
    port = free_port()
    both = clean_environment(SOUK_PORT=str(port), MESOS_PORT="1")
    cluster.add(Node("ours-wins", cluster.folder, [SOUK, "local", "--agents=0"], port=port,
                     environment=both)).start().stop()
    fails(cluster.souk("local", environment=clean_environment(SOUK_PORT="abc")), 2, "abc")


# --- two of a kind


def test_port_in_use(cluster):
    port = cluster.local_node.port
    fails(cluster.souk("master", f"--port={port}", f"--work_dir={cluster.folder}/other",
                       "--logging_level=off"), 1,
          str(port), "in use")
    fails(cluster.souk("local", f"--port={port}"), 1, str(port), "in use")


def test_two_masters_on_one_work_dir(cluster):
    node = cluster.master(name="first")
    outcome = cluster.souk("master", "--port=0", f"--work_dir={cluster.folder}/first",
                           "--logging_level=off")
    fails(outcome, 1, f"{cluster.folder}/first")
    node.kill()
    node.restart()  # a crash leaves no lock behind
    node.stop()


def test_two_agents_on_one_work_dir(cluster):
    agent = cluster.agent(name="only", master=cluster.local_node)
    outcome = cluster.souk("agent", "--port=0", f"--work_dir={agent.work_dir}",
                           f"--master={cluster.local_node.address}",
                           "--logging_level=off")
    fails(outcome, 1, str(agent.work_dir))
    agent.stop()


def test_agent_of_another_cluster(cluster):
    first = cluster.master(name="cluster-a")
    second = cluster.master(name="cluster-b")
    agent = cluster.agent(name="torn", master=first)
    agent.stop()
    outcome = cluster.souk("agent", "--port=0", f"--work_dir={agent.work_dir}",
                           f"--master={second.address}",
                           "--logging_level=off")
    check(outcome[0] not in (0, None), outcome)
    for text in ("cluster", str(agent.work_dir)):
        check(text in outcome[2], outcome[2])
    check(re.search("remove|another --work_dir|rm ", outcome[2]), f"no remedy in {outcome[2]!r}")
    agent.restart()
    wait_for(lambda: [each["id"] for each in first.state()["slaves"] if each["active"]] ==
             [agent.id], "its return")
    for node in (agent, first, second):
        node.stop()


def test_work_dir_that_cannot_be(cluster):
    (cluster.folder / "file").write_text("")
    fails(cluster.souk("master", "--port=0", f"--work_dir={cluster.folder}/file/x",
                       "--logging_level=off"), 1, "--work_dir")
    fails(cluster.souk("agent", "--port=0", f"--work_dir={cluster.folder}/file/x",
                       "--master=127.0.0.1:1",
                       "--logging_level=off"), 1, "--work_dir")


def test_agent_without_its_executor(cluster):
    fails(cluster.souk("agent", "--port=0", f"--work_dir={cluster.folder}/none",
                       "--master=127.0.0.1:1",
                       "--executor=/no/such/souk-executor", "--logging_level=off"), 1,
          "/no/such/souk-executor")


def test_agent_with_wrong_resources(cluster):
    for text in ("cpus:x", "cpus:-1", "ports:[5-1]", "cpus"):
        outcome = cluster.souk("agent", "--port=0", f"--work_dir={cluster.folder}/wrong",
                               "--master=127.0.0.1:1",
                               f"--resources={text}", "--logging_level=off", patience=20)
        fails(outcome, 1, text.split(":")[0])


if __name__ == "__main__":
    os.environ.pop("SOUK_MASTER", None)
    run_tests(globals(), set_up)
