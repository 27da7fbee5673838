"""Emulated agents and frameworks: no task is lost, and what both sides and the master counted adds
up. A cluster of 2,000 agents in a short form; larger ones are bench/scale.py."""
import json
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from souk_cluster import SOUK, Node, check, equal, free_port, run_tests, wait_for

QUIET = "--logging_level=error"


class Emulation:
    """`souk emulate ...`: its last line is what came of it."""

    def __init__(self, cluster, name, kind, *flags):
        self.process = cluster.background(name, "emulate", kind, QUIET,
                                          f"--master={cluster.master_node.address}", *flags)

    def counts(self):
        """Of the latest line of counts: {"running": 12, ...}"""
        lines = [line for line in self.process.text().splitlines() if "=" in line]
        return {key: int(value) for key, value in (each.split("=") for each in lines[-1].split()[1:])
                } if lines else {}

    def end(self):
        if self.process.running():
            self.process.popen.send_signal(signal.SIGINT)
        return self.result()

    def result(self):
        equal(self.process.wait(), 0, self.process.text()[-2000:])
        return json.loads(self.process.text().splitlines()[-1])


def agents_of(cluster, count, *flags):
    made = Emulation(cluster, f"agents-{count}", "agents", f"--count={count}", "--report=200ms",
                     *flags)
    wait_for(lambda: made.counts().get("registered") == count, f"{count} agents to register")
    return made


def metric(master, name):
    return int(master.get("/metrics/snapshot")["master/" + name])


def adds_up(master, agents, *frameworks):
    launched = sum(each["launched"] for each in frameworks)
    check(launched > 0, "nothing was launched")
    for each in frameworks:
        equal((each["open"], each["failed"], each["errors"], each["refused"]), (0, 0, 0, 0),
              f"open, failed, errors, refused of {each}")
        equal(each["finished"], each["launched"])
    wait_for(lambda: metric(master, "tasks_running") == 0, "the master to see no task run")
    equal(metric(master, "tasks_finished"), launched, "finished, says the master")
    for state in ("failed", "killed", "lost", "dropped", "error", "gone"):
        equal(metric(master, f"tasks_{state}"), 0, state)
    seen = agents.end()
    equal((seen["tasks_started"], seen["tasks_finished"], seen["tasks_running"]),
          (launched, launched, 0), "started, finished, running on the agents")
    return seen


def test_counts_add_up(cluster):
    master = cluster.master(QUIET)
    agents = agents_of(cluster, 200)
    equal(metric(master, "slaves_active"), 200)
    spread = Emulation(cluster, "spread", "frameworks", "--count=20", "--task_length=500ms",
                       "--task_length_sd=200ms", "--refuse=100ms", "--duration=3s")
    wait_for(lambda: spread.counts().get("running", 0) > 100, "tasks to run")
    probes = Emulation(cluster, "probes", "frameworks", "--behavior=probe", "--count=6",
                       "--at_once=3", "--stagger=100ms", "--task_length=300ms").result()
    equal(probes["ended"], 6)
    check(probes["overhead_ms_p50"] > 0, "a probe took no time at all")
    adds_up(master, agents, spread.result(), probes)


def test_one_call_at_a_time(cluster):
    master = cluster.master(QUIET)
    agents = agents_of(cluster, 20)
    lives = [Emulation(cluster, f"lives-{i}", "frameworks", "--behavior=lives", "--count=2",
                       f"--pipelined={pipelined}", "--duration=2s", *more)
             for i, (pipelined, more) in enumerate([(1, ["--json"]), (64, [])])]
    adds_up(master, agents, *[each.result() for each in lives])


def test_links_break(cluster):
    """All at once, in the midst of it: tasks go on, and what their agents said meanwhile comes."""
    master = cluster.master(QUIET)
    agents = agents_of(cluster, 200, "--drop_links_after=5s", "--redial_most=1s")
    frameworks = Emulation(cluster, "spread", "frameworks", "--count=10", "--task_length=3s",
                           "--task_length_sd=1s")
    wait_for(lambda: frameworks.counts().get("running") == 400, "every slot to be taken")
    wait_for(lambda: agents.counts()["links_lost"] >= 200, "all links to break")
    wait_for(lambda: agents.counts()["registered"] == 200, "all agents to be back")
    seen = adds_up_but_for_launches(master, frameworks.end())
    equal(agents.end()["tasks_finished"], seen["finished"])


def adds_up_but_for_launches(master, seen):
    """A launch that was on its way to an agent when its link broke is dropped, and said to be."""
    equal((seen["open"], seen["errors"], seen["refused"]), (0, 0, 0), str(seen))
    equal(seen["finished"] + seen["failed"], seen["launched"])
    # The emulated frameworks are not partition-aware: what is dropped is TASK_LOST to them.
    equal(metric(master, "tasks_lost"), seen["failed"], "lost, says the master")
    equal(metric(master, "tasks_finished"), seen["finished"])
    return seen


def test_more_connections_than_open_files(cluster):
    """Each I/O thread of the master, and of the agents, has a table of its own."""
    port = free_port()
    limited = ["sh", "-c", 'ulimit -n 600; exec "$@"', "sh", SOUK]
    cluster.master_node = cluster.add(Node(
        "master", cluster.folder, [*limited, "master", f"--port={port}", "--io_threads=3",
                                   f"--work_dir={cluster.folder / 'master'}", QUIET],
        port=port)).start()
    agents = agents_of(cluster, 800)
    equal(metric(cluster.master_node, "slaves_active"), 800)
    frameworks = Emulation(cluster, "spread", "frameworks", "--count=5", "--task_length=200ms",
                           "--task_length_sd=100ms", "--duration=1s")
    adds_up(cluster.master_node, agents, frameworks.result())


def test_two_thousand_agents(cluster):
    master = cluster.master(QUIET, "--io_threads=2")
    agents = agents_of(cluster, 2000)
    state = master.get("/state")
    equal((len(state["slaves"]), state["activated_slaves"]), (2000, 2000.0))
    frameworks = Emulation(cluster, "spread", "frameworks", "--count=50", "--task_length=3s",
                           "--task_length_sd=1s", "--duration=5s")
    wait_for(lambda: frameworks.counts().get("running", 0) > 2000, "half of the slots to be taken")
    state = master.get("/state")
    equal(len(state["frameworks"]), 50)
    used = sum(agent["used_resources"]["cpus"] for agent in state["slaves"])
    running = sum(not task["state"] == "TASK_FINISHED" for framework in state["frameworks"]
                  for task in framework["tasks"])
    equal(used, running, "CPUs in use, of tasks with one each")
    adds_up(master, agents, frameworks.result())


if __name__ == "__main__":
    run_tests(globals())
