"""Agents, schedulers, executors and masters that die and come back: each task gets exactly one
terminal state from its agent, and what the master says on the way is followed by the truth."""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from souk_cluster import (TERMINAL, alive, check, children, command_line, descendants, equal,
                          kill_pid, run_tests,
                          task_info, wait_for)

HOUR = 3600.0
WAITS = 'echo $$; while [ ! -e go ]; do sleep 0.05; done; exit 5'  # until release()


def sandbox(agent, scheduler, task):
    executors = agent.work_dir / "slaves" / agent.id / "frameworks" / scheduler.id / "executors"
    return executors / task / "runs/latest"


def release(agent, scheduler, task):
    (sandbox(agent, scheduler, task) / "go").touch()


def pid_of(agent, scheduler, task):
    out = sandbox(agent, scheduler, task) / "stdout"
    return int(wait_for(lambda: out.exists() and out.read_text().strip(), f"the pid of {task}"))


def executor_of(cluster, pid):
    return next(each for each in cluster.executors() if pid in descendants(each))


def one_end(scheduler, name, state, **fields):
    """Waits for it, and finds no other from the agent."""
    status = wait_for(lambda: scheduler.from_agent(name),
                      lambda: f"the end of {name}; it had {scheduler.states(name)}")
    time.sleep(0.3)
    ends = scheduler.from_agent(name)
    equal([each["state"] for each in ends], [state], f"what {name} ended with")
    for key, value in fields.items():
        equal(ends[0].get(key), value, f"{key} of {name}")
    return status[0]


# --- the agent


def test_tasks_survive_their_agent(cluster):
    master, agent = cluster.pair()
    scheduler = cluster.scheduler()
    for name in ("ends-while-away", "ends-later", "killed-later"):
        scheduler.run(name, WAITS)
        scheduler.wait_status(name, "TASK_RUNNING")
    pids = {name: pid_of(agent, scheduler, name) for name in ("ends-while-away", "ends-later",
                                                              "killed-later")}
    agent.kill()
    release(agent, scheduler, "ends-while-away")
    wait_for(lambda: not alive(pids["ends-while-away"]), "a task to end without its agent")
    check(alive(pids["ends-later"]) and alive(pids["killed-later"]), "tasks died with their agent")
    agent.restart()
    one_end(scheduler, "ends-while-away", "TASK_FAILED", message="Command exited with status 5")
    equal(agent.state()["id"], agent.id, "the agent keeps its id")
    check(alive(pids["ends-later"]) and alive(pids["killed-later"]),
          "tasks died by the return of their agent")
    release(agent, scheduler, "ends-later")
    one_end(scheduler, "ends-later", "TASK_FAILED", message="Command exited with status 5")
    scheduler.kill("killed-later")
    one_end(scheduler, "killed-later", "TASK_KILLED")
    wait_for(lambda: not cluster.executors(), "the souk-executors to leave")
    scheduler.run("afterwards", "true")
    one_end(scheduler, "afterwards", "TASK_FINISHED")


def test_update_that_nobody_acknowledged_comes_again(cluster):
    master, agent = cluster.pair()
    scheduler = cluster.scheduler(acknowledge=False)
    scheduler.run("silent", "exit 3")
    first = scheduler.wait_status("silent", "TASK_STARTING")
    agent.kill()
    mark = scheduler.mark()
    agent.restart()
    again = scheduler.wait_status("silent", "TASK_STARTING", mark, uuid=first["uuid"])
    scheduler.acknowledging = True
    scheduler.acknowledge(again)
    one_end(scheduler, "silent", "TASK_FAILED", message="Command exited with status 3")
    equal(scheduler.states("silent"), ["TASK_STARTING", "TASK_RUNNING", "TASK_FAILED"])


def test_agent_restarts_again_and_again(cluster):
    master, agent = cluster.pair()
    scheduler = cluster.scheduler()
    names = [f"many-{i}" for i in range(8)]
    for name in names:
        scheduler.run(name, f"sleep 0.{len(name)}; exit 0")
    for _ in range(3):
        agent.kill()
        agent.restart()
        time.sleep(0.2)
    for name in names:
        wait_for(lambda name=name: scheduler.wait_terminal(name), name)
    time.sleep(0.5)
    for name in names:
        ends = [state for state in scheduler.states(name) if state in TERMINAL]
        check(ends in (["TASK_FINISHED"], ["TASK_DROPPED"]), f"{name}: {scheduler.states(name)}")


def test_launch_into_a_frozen_agent_that_dies(cluster):
    """The launch is in the socket of an agent that never reads it."""
    master, agent = cluster.pair()
    scheduler = cluster.scheduler()
    offers = scheduler.wait_offers()
    agent.popen.send_signal(19)
    scheduler.launch(offers, task_info("into-the-void", agent.id, "true"))
    agent.kill()
    agent.restart()
    status = scheduler.wait_terminal("into-the-void")
    equal(status["state"], "TASK_DROPPED")
    scheduler.run("next", "true")
    one_end(scheduler, "next", "TASK_FINISHED")


def test_offers_are_rescinded_with_the_link(cluster):
    master, agent = cluster.pair()
    scheduler = cluster.scheduler()
    offers = scheduler.wait_offers()
    agent.kill()
    for offer in offers:
        scheduler.wait_event("RESCIND", lambda event,
                             offer=offer: event["rescind"]["offer_id"] == offer["id"])
    scheduler.launch(offers, task_info("too-late", agent.id, "true"))
    equal(scheduler.wait_terminal("too-late")["state"], "TASK_DROPPED")
    agent.restart()
    scheduler.run("in-time", "true")
    one_end(scheduler, "in-time", "TASK_FINISHED")


def test_unreachable_agent_returns(cluster):
    master, agent = cluster.pair("--agent_ping_timeout=200ms", "--max_agent_ping_timeouts=2")
    aware = cluster.scheduler(name="aware")
    for name in ("aware-ends", "aware-stays"):
        aware.run(name, WAITS)
        aware.wait_status(name, "TASK_RUNNING")
    aware.decline(*aware.wait_offers(), refuse=HOUR)
    old = cluster.scheduler(name="not aware", capabilities=[])
    old.run("old-stays", WAITS)
    old.wait_status("old-stays", "TASK_RUNNING")
    pids = {name: pid_of(agent, mine, name) for name, mine in (("aware-ends", aware),
                                                               ("old-stays", old))}
    agent.kill()
    for name in ("aware-ends", "aware-stays"):
        status = aware.wait_status(name, "TASK_UNREACHABLE", source="SOURCE_MASTER",
                                   reason="REASON_AGENT_REMOVED")
        check("unreachable_time" in status and "uuid" not in status, status)
    old.wait_status("old-stays", "TASK_LOST", source="SOURCE_MASTER", reason="REASON_AGENT_REMOVED")
    for each in (aware, old):
        each.wait_event("FAILURE", lambda event: event["failure"]["agent_id"]["value"] == agent.id)
    mark, old_mark = aware.mark(), old.mark()
    aware.reconcile(("aware-stays", agent.id))
    aware.wait_status("aware-stays", "TASK_UNREACHABLE", mark, reason="REASON_RECONCILIATION")
    equal([each["id"] for each in master.state()["slaves"]], [],
          "an unreachable agent is no active one")
    release(agent, aware, "aware-ends")
    wait_for(lambda: not alive(pids["aware-ends"]), "a task to end without its agent")
    agent.restart()
    aware.wait_status("aware-stays", "TASK_RUNNING", mark, source="SOURCE_MASTER",
                      reason="REASON_AGENT_REREGISTERED")
    old.wait_status("old-stays", "TASK_RUNNING", old_mark, source="SOURCE_MASTER",
                    reason="REASON_AGENT_REREGISTERED")
    one_end(aware, "aware-ends", "TASK_FAILED", message="Command exited with status 5")
    release(agent, aware, "aware-stays")
    release(agent, old, "old-stays")
    one_end(aware, "aware-stays", "TASK_FAILED")
    one_end(old, "old-stays", "TASK_FAILED")


def test_unreachable_agent_that_never_returns(cluster):
    _, agent = cluster.pair("--agent_ping_timeout=200ms", "--max_agent_ping_timeouts=2")
    other = cluster.agent(name="other")
    scheduler = cluster.scheduler()
    where = scheduler.run("lost", "sleep 1234")
    scheduler.wait_status("lost", "TASK_RUNNING")
    (other if where == other.id else agent).kill()
    scheduler.wait_status("lost", "TASK_UNREACHABLE")
    left = agent.id if where == other.id else other.id
    scheduler.run("elsewhere", "true", agent=left)
    one_end(scheduler, "elsewhere", "TASK_FINISHED")
    equal(scheduler.from_agent("lost"), [])


# --- the scheduler


def test_scheduler_comes_back(cluster):
    master, agent = cluster.pair()
    scheduler = cluster.scheduler(failover_timeout=HOUR)
    for name in ("ends-alone", "lives-on"):
        scheduler.run(name, WAITS)
        scheduler.wait_status(name, "TASK_RUNNING")
    pid = pid_of(agent, scheduler, "ends-alone")
    scheduler.disconnect()
    wait_for(lambda: not master.state()["frameworks"][0]["connected"], "the master to notice")
    release(agent, scheduler, "ends-alone")
    wait_for(lambda: not alive(pid), "a task to end without its scheduler")
    before = scheduler.id
    began = time.monotonic()
    scheduler.subscribe()
    equal(scheduler.id, before)
    one_end(scheduler, "ends-alone", "TASK_FAILED", message="Command exited with status 5")
    check(time.monotonic() - began < 9, "the update came with the agent's retry, not at once")
    equal(scheduler.states("lives-on"), ["TASK_STARTING", "TASK_RUNNING"])
    scheduler.wait_offers()
    release(agent, scheduler, "lives-on")
    one_end(scheduler, "lives-on", "TASK_FAILED")


def test_second_scheduler_takes_over(cluster):
    master, agent = cluster.pair()
    first = cluster.scheduler(failover_timeout=HOUR)
    first.run("inherited", WAITS)
    first.wait_status("inherited", "TASK_RUNNING")
    second = cluster.scheduler(failover_timeout=HOUR, id={"value": first.id})
    equal(first.wait_event("ERROR")["error"]["message"], "Framework failed over")
    check(first.stream.closed.wait(60), "the old stream stays open")
    first.call("REVIVE", {}, expected=400)
    second.reconcile()
    second.wait_status("inherited", "TASK_RUNNING", reason="REASON_RECONCILIATION")
    release(agent, second, "inherited")
    one_end(second, "inherited", "TASK_FAILED")


def test_failover_timeout_expires(cluster):
    master, agent = cluster.pair()
    scheduler = cluster.scheduler(failover_timeout=0.5)
    scheduler.run("orphan", WAITS)
    scheduler.wait_status("orphan", "TASK_RUNNING")
    pid = pid_of(agent, scheduler, "orphan")
    scheduler.disconnect()
    wait_for(lambda: not alive(pid), "the task of a framework that is gone to be killed")
    wait_for(lambda: not master.state()["frameworks"], "the framework to be gone")
    equal([each["id"] for each in master.state()["completed_frameworks"]], [scheduler.id])
    scheduler.subscribe()
    equal(scheduler.wait_event("ERROR")["error"]["message"], "Framework has been removed")


def test_framework_goes_while_its_agent_is_away(cluster):
    master, agent = cluster.pair()
    scheduler = cluster.scheduler()
    scheduler.run("forgotten", WAITS)
    scheduler.wait_status("forgotten", "TASK_RUNNING")
    pid = pid_of(agent, scheduler, "forgotten")
    agent.kill()
    scheduler.call("TEARDOWN")
    check(alive(pid), "nobody could kill it")
    agent.restart()
    wait_for(lambda: not alive(pid), "the task of a framework that is gone to be killed")


# --- executors


def test_executor_is_killed(cluster):
    master, agent = cluster.pair()
    scheduler = cluster.scheduler()
    scheduler.run("bereft", "echo $$; sleep 1234 & sleep 1234 & wait")
    scheduler.wait_status("bereft", "TASK_RUNNING")
    pid = pid_of(agent, scheduler, "bereft")
    wait_for(lambda: len(children(pid)) == 2, "its children")
    executor = executor_of(cluster, pid)
    family = descendants(executor)
    kill_pid(executor)
    one_end(scheduler, "bereft", "TASK_FAILED", reason="REASON_EXECUTOR_TERMINATED")
    wait_for(lambda: not alive(pid), "the task to die with its executor")
    wait_for(lambda: not any(alive(each) for each in family),
             lambda: f"its processes to die: {[command_line(p) for p in family if alive(p)]}")


def test_executor_is_killed_while_its_agent_is_away(cluster):
    master, agent = cluster.pair()
    scheduler = cluster.scheduler()
    scheduler.run("twice-bereft", WAITS)
    scheduler.wait_status("twice-bereft", "TASK_RUNNING")
    pid = pid_of(agent, scheduler, "twice-bereft")
    agent.kill()
    kill_pid(executor_of(cluster, pid))
    wait_for(lambda: not alive(pid), "the task to die with its executor")
    agent.restart()
    end = one_end(scheduler, "twice-bereft", "TASK_FAILED")
    check(end["reason"] in ("REASON_EXECUTOR_TERMINATED", "REASON_EXECUTOR_REREGISTRATION_TIMEOUT"),
          end)


def test_executor_without_agent_gives_up(cluster):
    cluster.master()
    agent = cluster.agent("--recovery_timeout=1secs")
    scheduler = cluster.scheduler()
    scheduler.run("abandoned", WAITS)
    scheduler.wait_status("abandoned", "TASK_RUNNING")
    pid = pid_of(agent, scheduler, "abandoned")
    agent.kill()
    wait_for(lambda: not alive(pid), "the task to be killed by its executor")
    wait_for(lambda: not cluster.executors(), "the executor to leave")
    agent.restart()
    one_end(scheduler, "abandoned", "TASK_FAILED")


def test_frozen_executor_is_killed_in_the_end(cluster):
    """One that does not react to a kill."""
    master, agent = cluster.pair()
    scheduler = cluster.scheduler()
    scheduler.run("frozen", WAITS)
    scheduler.wait_status("frozen", "TASK_RUNNING")
    pid = pid_of(agent, scheduler, "frozen")
    kill_pid(executor_of(cluster, pid), 19)
    scheduler.kill("frozen", grace=0)
    wait_for(lambda: not alive(pid), "the task to be killed in spite of its executor")
    status = scheduler.wait_terminal("frozen")
    check(status["state"] in ("TASK_KILLED", "TASK_FAILED"), status)


# It says the end of its task over a connection of its own, and dies before it can be answered.
LAST_WORDS = """
import base64, json, os, socket
host, port = os.environ["MESOS_AGENT_ENDPOINT"].split(":")
ids = {"framework_id": {"value": os.environ["MESOS_FRAMEWORK_ID"]},
       "executor_id": {"value": os.environ["MESOS_EXECUTOR_ID"]}}

def call(kind, body):
    connection = socket.create_connection((host, int(port)))
    text = json.dumps({"type": kind, **ids, kind.lower(): body}).encode()
    connection.sendall(b"POST /api/v1/executor HTTP/1.1\\r\\nHost: agent\\r\\n"
                       b"Content-Type: application/json\\r\\nAccept: application/json\\r\\n"
                       b"Content-Length: %d\\r\\n\\r\\n%s" % (len(text), text))
    return connection

stream = call("SUBSCRIBE", {})
heard = b""
while b'"LAUNCH"' not in heard:
    heard += stream.recv(65536)
call("UPDATE", {"status": {"task_id": ids["executor_id"], "state": "TASK_FINISHED",
                           "source": "SOURCE_EXECUTOR",
                           "uuid": base64.b64encode(os.urandom(16)).decode()}})
os._exit(0)
"""


def test_last_words_of_an_executor_are_heard(cluster):
    master, agent = cluster.pair()
    scheduler = cluster.scheduler()
    names = [f"brief-{i}" for i in range(30)]
    for name in names:
        executor = {"executor_id": {"value": name},
                    "command": {"shell": False, "value": sys.executable,
                                "arguments": [sys.executable, "-c", LAST_WORDS]}}
        scheduler.run(name, None, cpus=0.01, mem=1, executor=executor)
    for name in names:
        end = scheduler.wait_terminal(name)
        err = (sandbox(agent, scheduler, name) / "stderr").read_text()
        equal(end["state"], "TASK_FINISHED", f"{name}: {err}")


# --- the master


def stored_epoch(cluster):
    """As the log of the latest start tells it."""
    log = cluster.master_node.text()
    return int(log[log.rindex("master is serving"):].split("epoch=")[1].split()[0])


def test_master_restarts(cluster):
    master, agent = cluster.pair()
    scheduler = cluster.scheduler(failover_timeout=HOUR)
    for name in ("ends-without-master", "ends-afterwards"):
        scheduler.run(name, WAITS)
        scheduler.wait_status(name, "TASK_RUNNING")
    first_epoch = stored_epoch(cluster)
    pid = pid_of(agent, scheduler, "ends-without-master")
    master.kill()
    check(scheduler.stream.closed.wait(60), "the stream stays open")
    release(agent, scheduler, "ends-without-master")
    wait_for(lambda: not alive(pid), "a task to end without a master")
    master.restart()
    check(stored_epoch(cluster) > first_epoch,
          f"the epoch was {first_epoch} and is {stored_epoch(cluster)}")
    before = scheduler.id
    scheduler.subscribe()
    equal(scheduler.id, before)
    one_end(scheduler, "ends-without-master", "TASK_FAILED", message="Command exited with status 5")

    def complete():
        state = master.state()
        return state if state["slaves"] and state["slaves"][0]["active"] else None
    state = wait_for(complete, "the agent to come back")
    equal([each["id"] for each in state["slaves"]], [agent.id])
    equal([each["id"] for each in state["frameworks"]], [scheduler.id])
    equal([each["id"] for each in state["frameworks"][0]["tasks"]], ["ends-afterwards"])
    equal(state["slaves"][0]["used_resources"]["cpus"], 0.1)
    mark = scheduler.mark()
    scheduler.reconcile()
    scheduler.wait_status("ends-afterwards", "TASK_RUNNING", mark, reason="REASON_RECONCILIATION")
    release(agent, scheduler, "ends-afterwards")
    one_end(scheduler, "ends-afterwards", "TASK_FAILED")
    scheduler.run("new", "true")
    one_end(scheduler, "new", "TASK_FINISHED")


def test_master_and_agent_restart_together(cluster):
    master, agent = cluster.pair()
    scheduler = cluster.scheduler(failover_timeout=HOUR)
    for name in ("ends", "stays"):
        scheduler.run(name, WAITS)
        scheduler.wait_status(name, "TASK_RUNNING")
    pid = pid_of(agent, scheduler, "ends")
    master.kill()
    agent.kill()
    release(agent, scheduler, "ends")
    wait_for(lambda: not alive(pid), "a task to end all alone")
    agent.restart()
    master.restart()
    scheduler.subscribe()
    one_end(scheduler, "ends", "TASK_FAILED", message="Command exited with status 5")
    scheduler.kill("stays")
    one_end(scheduler, "stays", "TASK_KILLED")


def test_agent_that_does_not_come_back_to_a_new_master(cluster):
    master, agent = cluster.pair("--agent_reregister_timeout=1secs")
    scheduler = cluster.scheduler(failover_timeout=HOUR)
    scheduler.run("left", WAITS)
    scheduler.wait_status("left", "TASK_RUNNING")
    agent.kill()
    master.kill()
    master.restart()
    scheduler.subscribe()
    scheduler.wait_event("FAILURE", lambda event: event["failure"]["agent_id"]["value"] == agent.id)
    mark = scheduler.mark()
    scheduler.reconcile(("left", agent.id))
    scheduler.wait_status("left", "TASK_UNREACHABLE", mark)
    agent.restart()
    wait_for(lambda: [each["id"] for each in master.state()["slaves"]] == [agent.id],
             "the agent to be taken back")
    release(agent, scheduler, "left")
    one_end(scheduler, "left", "TASK_FAILED")


if __name__ == "__main__":
    run_tests(globals())
