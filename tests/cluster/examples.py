"""The frameworks of examples/, each as its page says."""
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from souk_cluster import BUILD, PATIENCE, Process, check, equal, kill_pid, run_tests, wait_for


def run(cluster, name, *arguments):
    """To its end: what it printed."""
    done = subprocess.run([BUILD / name, cluster.master_node.address, *map(str, arguments)],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=PATIENCE, cwd=cluster.folder)
    equal((done.returncode, done.stderr), (0, ""), name)
    return done.stdout


def framework_of(cluster, kind, name):
    found = [each for each in cluster.master_node.state()[kind] if each["name"] == name]
    return found[-1] if found else None


def completed(cluster, name):
    return wait_for(lambda: framework_of(cluster, "completed_frameworks", name), f"the end of {name}")


def running(cluster, name):
    framework = framework_of(cluster, "frameworks", name)
    tasks = framework["tasks"] if framework else []
    return {each["id"] for each in tasks if each["state"] == "TASK_RUNNING"}


def test_hello_framework(cluster):
    cluster.pair()
    equal(run(cluster, "hello_framework", 12), "hello: 12 tasks finished, 0 were run again\n")


def test_task_group(cluster):
    cluster.pair()
    equal(run(cluster, "task_group", 3), "pairs: 3 finished, 0 were run again\n")
    tasks = completed(cluster, "pairs")["completed_tasks"]
    equal(sorted((each["executor_id"], each["state"]) for each in tasks),
          [(f"pair-{i}", "TASK_FINISHED") for i in range(3) for _ in range(2)])


def test_task_group_runs_a_broken_pair_again(cluster):
    master, agent = cluster.pair()
    process = cluster.add(Process("pairs", cluster.folder, [BUILD / "task_group", master.address, 2]))
    process.start()
    executor = wait_for(cluster.executors, "a souk-executor")[0]
    kill_pid(executor)
    equal(process.wait(), 0, process.text())
    check("pairs: 2 finished, " in process.text(), process.text())
    check(agent.running(), agent.text())


def test_reconnecting_service(cluster):
    master, agent = cluster.pair()
    file = cluster.folder / "service.id"

    def start(name, tasks):
        return cluster.add(Process(name, cluster.folder, [BUILD / "reconnecting_service",
                                                          master.address, file, tasks])).start()
    first = start("first", 3)
    wait_for(lambda: len(running(cluster, "service")) == 3, "three tasks")
    before = running(cluster, "service")
    first.kill()
    # One ends while nobody looks; the next life replaces it and keeps the others.
    victim = sorted(before)[0]
    executor = next(each["container_id"] for each in agent.get("/containers")
                    if each["executor_id"] == victim)
    kill_pid(next(pid for pid in cluster.executors() if executor in command_of(pid)))
    wait_for(lambda: len(running(cluster, "service")) == 2, "one task less")
    second = start("second", 3)
    wait_for(lambda: len(running(cluster, "service")) == 3, "three tasks again")
    check(before - {victim} < running(cluster, "service"), "the others ran on")
    equal(len(master.state()["frameworks"]), 1, "it is the same framework")
    second.kill()
    last = start("last", 0)
    equal(last.wait(), 0, last.text())
    wait_for(lambda: not cluster.executors(), "all tasks to end")
    check(not file.exists(), "nothing is left of it")


def test_picky_framework(cluster):
    cluster.master()
    cluster.agent("--attributes=disk:spinning", name="first")
    liked = cluster.agent("--attributes=rack:r1;disk:ssd", name="second")
    said = run(cluster, "picky_framework", "eng/picky", "disk:ssd")
    check(said.startswith("picky: 4 tasks on agents with disk:ssd, "), said)
    framework = completed(cluster, "picky")
    equal(framework["role"], "eng/picky")
    equal({each["slave_id"] for each in framework["completed_tasks"]}, {liked.id})
    refused = int(said.split(", ")[1].split()[0])
    check(1 <= refused <= 2, f"{said}: once for each time that it wanted offers")


def command_of(pid):
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")


if __name__ == "__main__":
    run_tests(globals())
