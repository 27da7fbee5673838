"""Clusters of real processes on 127.0.0.1, and a small scheduler of the v1 HTTP API, for tests.

A test is a function test_<what>(cluster) that raises when it fails; run_tests() runs all of a
module, each with a cluster of its own or all with a shared one. Nothing asserts how fast something
is: wait_for() waits for a condition, with a bound that only a hung system reaches.
"""
import base64
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("SOUK_BUILD_DIR", ROOT / "build/release"))
SOUK = str(BUILD / "souk")
PATIENCE = float(os.environ.get("SOUK_TEST_PATIENCE", "60"))  # seconds until a test gives up
SKIPPED = 77

TERMINAL = {"TASK_FINISHED", "TASK_FAILED", "TASK_KILLED", "TASK_ERROR", "TASK_LOST",
            "TASK_DROPPED", "TASK_GONE",
            "TASK_GONE_BY_OPERATOR"}


def check(condition, text):
    if not condition:
        raise AssertionError(text)


def equal(seen, expected, what=""):
    check(seen == expected, f"{what + ': ' if what else ''}expected {expected!r}, saw {seen!r}")


def wait_for(condition, what, patience=PATIENCE):
    """What `condition` gives as soon as that is true."""
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        check(time.monotonic() < end,
              f"waited {patience} s in vain for {what() if callable(what) else what}")
        time.sleep(0.02)


def free_port():
    """One that no outgoing connection takes by chance while its server is away."""
    while True:
        port = random.randint(15000, 31000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def clean_environment(**more):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SOUK_", "MESOS_"))}
    return {**kept, **more}


# --- processes


def command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def process_state(pid):
    """The letter of /proc; None: there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (OSError, IndexError):
        return None


def alive(pid):
    return process_state(pid) not in (None, "Z", "X")


def children(pid):
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def descendants(pid):
    found = []
    for child in children(pid):
        found += [child] + descendants(child)
    return found


def kill_pid(pid, number=signal.SIGKILL):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


class Process:
    """One of ours: what it writes goes to a file."""

    def __init__(self, name, folder, arguments, environment=None):
        self.name, self.folder = name, Path(folder)
        self.arguments = [str(each) for each in arguments]
        self.environment = environment or clean_environment()
        self.log = self.folder / f"{name}.log"
        self.popen = None

    def start(self):
        with open(self.log, "ab") as log:
            self.popen = subprocess.Popen(self.arguments, stdin=subprocess.DEVNULL, stdout=log,
                                          stderr=log,
                                          env=self.environment, cwd=self.folder)
        return self

    @property
    def pid(self):
        return self.popen.pid

    def text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def running(self):
        return self.popen is not None and self.popen.poll() is None

    def kill(self):
        """-9, as a crash of the machine would."""
        self.popen.kill()
        self.popen.wait()

    def stop(self, patience=10):
        if not self.running():
            return
        self.popen.terminate()
        try:
            self.popen.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()

    def wait(self, patience=PATIENCE):
        return self.popen.wait(patience)


class Node(Process):
    """A master, an agent or a local cluster: serves HTTP at `port`."""

    def __init__(self, *arguments, port, **more):
        super().__init__(*arguments, **more)
        self.port = port

    def start(self):
        super().start()
        self.wait_until_serving()
        return self

    def wait_until_serving(self):
        def serving():
            check(self.running(), f"{self.name} ended with {self.popen.poll()}:\n{self.text()}")
            try:
                return self.request("GET", "/health")[0] == 200
            except OSError:
                return False
        wait_for(serving, f"{self.name} to serve at {self.port}")

    def restart(self):
        return self.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def request(self, method, path, body=None, headers=None):
        """(status, body as bytes)"""
        status, _, answer = http_request(self.port, method, path, body, headers)
        return status, answer

    def get(self, path):
        status, body = self.request("GET", path)
        equal(status, 200, f"GET {path} of {self.name}: {body[:400]!r}")
        return json.loads(body)

    def state(self):
        return self.get("/state")


def http_request(port, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    except http.client.HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()


class Cluster:
    """All that a test starts; nothing of it outlives stop()."""

    RESOURCES = "cpus:4;mem:2048;disk:2048;ports:[31000-31999]"

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="souk-t-"))
        self.folder.chmod(0o755)  # for tasks of other users
        self.processes = []
        self.schedulers = []
        self.master_node = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def add(self, process):
        self.processes.append(process)
        return process

    def node(self, name, *arguments, port, environment=None):
        return self.add(Node(name, self.folder, [SOUK, *arguments], port=port,
                             environment=environment))

    def master(self, *flags, name="master", port=None):
        port = port or free_port()
        self.master_node = self.node(name, "master", f"--port={port}",
                                     f"--work_dir={self.folder / name}",
                                     *flags, port=port).start()
        return self.master_node

    def agent(self, *flags, name="agent", master=None, resources=RESOURCES):
        port = free_port()
        master = master or self.master_node
        node = self.node(name, "agent", f"--port={port}", f"--work_dir={self.folder / name}",
                         f"--master={master.address}", f"--hostname={name}",
                         f"--resources={resources}",
                         *flags, port=port).start()
        node.work_dir = self.folder / name
        node.id = wait_for(lambda: node.get("/state").get("id"), f"{name} to be admitted")
        return node

    def local(self, *flags, name="local"):
        port = free_port()
        return self.node(name, "local", f"--port={port}", *flags, port=port).start()

    def pair(self, *master_flags):
        master = self.master(*master_flags)
        return master, self.agent()

    def scheduler(self, **options):
        """Subscribed."""
        port = options.pop("port", None) or self.master_node.port
        made = Scheduler(port, **options)
        self.schedulers.append(made)
        return made.subscribe()

    def souk(self, *arguments, environment=None, patience=PATIENCE):
        """Runs a command to its end: (exit status, stdout, stderr)."""
        done = subprocess.run([SOUK, *map(str, arguments)], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True,
                              timeout=patience, env=environment or clean_environment(),
                              cwd=self.folder)
        return done.returncode, done.stdout, done.stderr

    def background(self, name, *arguments, environment=None):
        return self.add(Process(name, self.folder, [SOUK, *arguments], environment)).start()

    def executors(self):
        """The pids of the souk-executors of this cluster."""
        found = []
        for entry in os.listdir("/proc"):
            line = command_line(entry) if entry.isdigit() else []
            ours = any(str(self.folder) in each for each in line)
            if ours and line[0].endswith("souk-executor"):
                found.append(int(entry))
        return found

    def logs(self):
        return "\n".join("\n".join([f"--- {each.name}"] + each.text().splitlines()[-25:])
                         for each in self.processes)

    def stop(self):
        for scheduler in self.schedulers:
            scheduler.close()
        for process in reversed(self.processes):
            process.stop()
        for executor in self.executors():
            for pid in [executor] + descendants(executor):
                kill_pid(pid)
        shutil.rmtree(self.folder, ignore_errors=True)


# --- a scheduler


def scalar(name, value):
    return {"name": name, "type": "SCALAR", "scalar": {"value": value}}


def command_info(command, env=None, user=None):
    """A text for the shell, or a list of arguments."""
    info = {"shell": True, "value": command}
    if isinstance(command, list):
        info = {"shell": False, "value": command[0], "arguments": command}
    if env:
        info["environment"] = {"variables": [{"name": k, "value": v} for k, v in env.items()]}
    if user:
        info["user"] = user
    return info


def task_info(name, agent, command, cpus=0.1, mem=32, env=None, user=None, **more):
    task = {"name": name, "task_id": {"value": name}, "agent_id": {"value": agent},
            "resources": [scalar("cpus", cpus), scalar("mem", mem)]}
    if command is not None:
        task["command"] = command if isinstance(command, dict) else command_info(command, env, user)
    return {**task, **more}


def amount(offer, name):
    return sum(each["scalar"]["value"] for each in offer["resources"] if each["name"] == name)


def agent_of(offers):
    return offers[0]["agent_id"]["value"]


def seconds(number):
    return {"nanoseconds": int(number * 1e9)}


class Stream:
    """The answer to a SUBSCRIBE, read by a thread: a JSON object a record, a record a chunk."""

    def __init__(self, port, call, on_event):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        body = json.dumps(call).encode()
        self.socket.sendall(b"POST /api/v1/scheduler HTTP/1.1\r\nHost: souk\r\n"
                            b"Content-Type: application/json\r\nAccept: application/json\r\n"
                            b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.file = self.socket.makefile("rb")
        status_line = self.file.readline().split(None, 2)
        if len(status_line) < 2:
            raise OSError("the master hung up")
        self.status = int(status_line[1])
        self.headers = http.client.parse_headers(self.file)
        if self.status != 200:
            length = int(self.headers.get("Content-Length", 0))
            self.body = self.file.read(length).decode()
            return
        self.socket.settimeout(None)
        self.closed = threading.Event()
        self.failure = None
        self.thread = threading.Thread(target=self.read, args=(on_event,), daemon=True)
        self.thread.start()

    @property
    def id(self):
        return self.headers.get("Mesos-Stream-Id")

    def read(self, on_event):
        try:
            while True:
                size = int(self.file.readline().strip() or b"0", 16)
                if size == 0:
                    return
                chunk = self.file.read(size)
                self.file.readline()
                length, _, record = chunk.partition(b"\n")
                check(int(length) == len(record), f"not one record in one chunk: {chunk!r}")
                on_event(json.loads(record))
        except (OSError, ValueError):
            pass  # cut off
        except AssertionError as failure:
            self.failure = failure
        finally:
            self.closed.set()

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.thread.join(PATIENCE)
        self.socket.close()


class Scheduler:
    """Keeps all events in the order of their arrival; acknowledges updates unless told not to."""

    def __init__(self, port, name="test", capabilities=("PARTITION_AWARE",), acknowledge=True,
                 **info):
        self.port, self.acknowledging = port, acknowledge
        self.info = {"user": "root" if os.geteuid() == 0 else os.environ.get("USER", "nobody"),
                     "name": name,
                     "capabilities": [{"type": each} for each in capabilities], **info}
        self.suppressed_roles = []
        self.lock = threading.RLock()
        self.events = []
        self.updates = []
        self.offers = {}
        self.id = info.get("id", {}).get("value")
        self.stream = None
        self.heard = 0  # where the updates of the latest subscription begin

    # -- the stream

    def subscribe_call(self):
        call = {"type": "SUBSCRIBE", "subscribe": {"framework_info": self.info}}
        if self.suppressed_roles:
            call["subscribe"]["suppressed_roles"] = self.suppressed_roles
        if self.id:
            self.info["id"] = {"value": self.id}
            call["framework_id"] = {"value": self.id}
        return call

    def subscribe(self):
        """Tries again as long as there is no leader."""
        def subscribed():
            try:
                self.stream = Stream(self.port, self.subscribe_call(), self.on_event)
            except OSError:
                return False
            check(self.stream.status in (200, 503),
                  f"SUBSCRIBE: {self.stream.status} {getattr(self.stream, 'body', '')}")
            return self.stream.status == 200
        with self.lock:
            self.offers.clear()
            self.heard = len(self.updates)
            before = len(self.of_type("SUBSCRIBED"))
        wait_for(subscribed, "SUBSCRIBE to be taken")
        wait_for(lambda: len(self.of_type("SUBSCRIBED")) > before or self.of_type("ERROR"),
                 "SUBSCRIBED")
        with self.lock:
            if self.of_type("SUBSCRIBED"):
                self.id = self.of_type("SUBSCRIBED")[-1]["subscribed"]["framework_id"]["value"]
        return self

    def disconnect(self):
        self.stream.close()

    def close(self):
        if self.stream and self.stream.status == 200:
            self.stream.close()

    def on_event(self, event):
        with self.lock:
            self.events.append(event)
            kind = event["type"]
            if kind == "OFFERS":
                for offer in event["offers"]["offers"]:
                    self.offers[offer["id"]["value"]] = offer
            elif kind == "RESCIND":
                self.offers.pop(event["rescind"]["offer_id"]["value"], None)
            elif kind == "UPDATE":
                self.updates.append(event["update"]["status"])
        if kind == "UPDATE" and self.acknowledging:
            self.acknowledge(event["update"]["status"])

    def of_type(self, kind):
        with self.lock:
            return [each for each in self.events if each["type"] == kind]

    # -- calls

    def call(self, kind, body=None, expected=202, stream_id=None):
        call = {"type": kind, "framework_id": {"value": self.id}}
        if body is not None:
            call[kind.lower()] = body
        headers = {"Content-Type": "application/json",
                   "Mesos-Stream-Id": stream_id or self.stream.id}
        status, _, answer = http_request(self.port, "POST", "/api/v1/scheduler", json.dumps(call),
                                         headers)
        equal(status, expected, f"{kind}: {answer!r}")
        return answer

    def acknowledge(self, status):
        if "uuid" not in status:
            return
        check(len(base64.b64decode(status["uuid"])) == 16, "a uuid has 16 bytes")
        try:
            self.call("ACKNOWLEDGE", {"agent_id": status["agent_id"], "task_id": status["task_id"],
                                      "uuid": status["uuid"]})
        except (OSError, AssertionError):
            pass  # the master is away; it comes again

    def accept(self, offers, operations, refuse=0.0):
        ids = [each["id"] for each in offers]
        with self.lock:
            for each in ids:
                self.offers.pop(each["value"], None)
        self.call("ACCEPT", {"offer_ids": ids, "operations": operations,
                             "filters": {"refuse_seconds": refuse}})

    def launch(self, offers, *tasks, refuse=0.0):
        self.accept(offers, [{"type": "LAUNCH", "launch": {"task_infos": list(tasks)}}], refuse)

    def launch_group(self, offers, executor, *tasks):
        group = {"executor": executor, "task_group": {"tasks": list(tasks)}}
        self.accept(offers, [{"type": "LAUNCH_GROUP", "launch_group": group}])

    def run(self, name, command, agent=None, **more):
        """Launches one task as soon as there is room for it; its agent's id."""
        offers = self.wait_offers(agent, more.get("cpus", 0.1))
        where = agent_of(offers)
        self.launch(offers, task_info(name, where, command, **more))
        return where

    def decline(self, *offers, refuse=None):
        with self.lock:
            for each in offers:
                self.offers.pop(each["id"]["value"], None)
        body = {"offer_ids": [each["id"] for each in offers]}
        if refuse is not None:
            body["filters"] = {"refuse_seconds": refuse}
        self.call("DECLINE", body)

    def kill(self, name, grace=None, agent=None):
        body = {"task_id": {"value": name}}
        if agent:
            body["agent_id"] = {"value": agent}
        if grace is not None:
            body["kill_policy"] = {"grace_period": seconds(grace)}
        self.call("KILL", body)

    def reconcile(self, *tasks):
        """Each a name, or a name and an agent; none: all."""
        listed = []
        for each in tasks:
            name, agent = each if isinstance(each, tuple) else (each, None)
            listed.append({"task_id": {"value": name},
                           **({"agent_id": {"value": agent}} if agent else {})})
        self.call("RECONCILE", {"tasks": listed})

    # -- what came

    def wait_offers(self, agent=None, cpus=0.1):
        """All offers of one agent, once they have so many CPUs together: they come bit by bit."""
        def found():
            by_agent = {}
            with self.lock:
                for offer in self.offers.values():
                    by_agent.setdefault(offer["agent_id"]["value"], []).append(offer)
            for where, offers in by_agent.items():
                if agent in (None, where) and sum(amount(each,
                                                         "cpus") for each in offers) >= cpus - 1e-6:
                    return offers
            return None
        return wait_for(found, f"offers of {agent or 'any agent'} with {cpus} CPUs")

    def of(self, name, since=0):
        """The statuses of a task, repetitions left out."""
        found, uuids = [], set()
        with self.lock:
            for status in self.updates[since:]:
                if status["task_id"]["value"] != name or status.get("uuid", "") in uuids:
                    continue
                if "uuid" in status:
                    uuids.add(status["uuid"])
                found.append(status)
        return found

    def states(self, name, since=0):
        return [each["state"] for each in self.of(name, since)]

    def mark(self):
        """For `since`."""
        with self.lock:
            return len(self.updates)

    def wait_status(self, name, state, since=0, **fields):
        def found():
            for status in self.of(name, since):
                if status["state"] == state and all(status.get(k) == v for k, v in fields.items()):
                    return status
            return None

        def seen():
            return [(s["state"], s.get("reason"), s.get("message")) for s in self.of(name, since)]
        return wait_for(found, lambda: f"{name} to be {state} {fields}; it had {seen()}")

    def wait_terminal(self, name, since=0):
        return wait_for(lambda: next((s for s in self.of(name, since) if s["state"] in TERMINAL),
                                     None),
                        lambda: f"the end of {name}; it had {self.states(name, since)}")

    def from_agent(self, name):
        """The terminal statuses of a task that its agent sent."""
        return [status for status in self.of(name)
                if status["state"] in TERMINAL and status["source"] != "SOURCE_MASTER"]

    def wait_event(self, kind, condition=lambda event: True):
        return wait_for(lambda: next((e for e in self.of_type(kind) if condition(e)), None),
                        f"the event {kind}")


# --- files of sandboxes


def query(target, **parameters):
    return target + "?" + urllib.parse.urlencode(parameters)


def read_raw(master, agent, path, **parameters):
    """(status, bytes), through the master."""
    parameters.setdefault("offset", 0)
    return master.request("GET", query(f"/souk/v1/agents/{agent}/files/raw", path=path,
                                       **parameters))


def output_of(master, scheduler, agent, task, name="stdout", executor=None):
    path = f"/frameworks/{scheduler.id}/executors/{executor or task}/runs/latest/{name}"
    status, body = read_raw(master, agent, path)
    equal(status, 200, f"reading {path}: {body!r}")
    return body.decode()


# --- running tests


def run_one(name, test, cluster):
    began = time.monotonic()
    try:
        test(cluster)
        for scheduler in cluster.schedulers:
            if scheduler.stream is not None and getattr(scheduler.stream, "failure", None):
                raise scheduler.stream.failure
    except Exception:
        print(f"FAIL {name}\n{traceback.format_exc()}{cluster.logs()}", flush=True)
        return False
    print(f"ok   {name} ({time.monotonic() - began:.1f} s)", flush=True)
    return True


def run_tests(module, set_up=None):
    """All test_* of a module, or those that the command line names; with `set_up`, all on one
    cluster that it prepares."""
    if not Path(SOUK).exists():
        print(f"there is no {SOUK}: set SOUK_BUILD_DIR")
        sys.exit(SKIPPED)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # by way of all that cleans up
    tests = {k: v for k, v in module.items() if k.startswith("test_") and callable(v)}
    parts = sys.argv[1:] or [""]
    wanted = {k: v for k, v in tests.items() if any(part in k for part in parts)}
    passed = 0
    if set_up:
        with Cluster() as cluster:
            set_up(cluster)
            passed = sum(run_one(name, test, cluster) for name, test in wanted.items())
    else:
        for name, test in wanted.items():
            with Cluster() as cluster:
                passed += run_one(name, test, cluster)
    print(f"{passed} passed, {len(wanted) - passed} failed")
    sys.exit(0 if passed == len(wanted) else 1)
