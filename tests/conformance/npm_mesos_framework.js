// The npm package mesos-framework, unmodified, against a real cluster: its Scheduler and its Executor.
"use strict";

const { spawn } = require("child_process");
const fs = require("fs");
const http = require("http");
const os = require("os");
const path = require("path");

const { Scheduler, Mesos } = require("mesos-framework");
const mesos = Mesos.getMesos();

const build = process.env.SOUK_BUILD_DIR || path.join(__dirname, "../../build/release");
const quietSeconds = Number(process.env.SOUK_QUIET_SECONDS || 120);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "souk-npm-"));

let passed = 0;
let failed = 0;
function check(what, good, details) {
  if (good) {
    passed++;
    console.log(`ok: ${what}`);
  } else {
    failed++;
    console.log(`FAILED: ${what} ${details === undefined ? "" : JSON.stringify(details)}`);
  }
}

async function until(what, condition, seconds = 60) {
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    const value = await condition();
    if (value) {
      check(what, true);
      return value;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  check(what, false, "not within " + seconds + " s");
  return undefined;
}

function startCluster() {
  const cluster = spawn(path.join(build, "souk"),
    ["local", "--agents=2", "--port=0", "--resources=cpus:1;mem:512;disk:100", "--logging_level=warning"],
    { stdio: ["ignore", "pipe", "inherit"] });
  return new Promise((resolve, reject) => {
    let text = "";
    cluster.on("exit", (code) => reject(new Error("souk local ended with " + code + ": " + text)));
    cluster.stdout.on("data", (data) => {
      text += data;
      const found = text.match(/at http:\/\/127\.0\.0\.1:(\d+)\n/);
      if (found) resolve({ cluster, port: Number(found[1]) });
    });
  });
}

function getState(port) {
  return new Promise((resolve, reject) => {
    http.get({ host: "127.0.0.1", port, path: "/state.json" }, (res) => {
      let body = "";
      res.on("data", (data) => { body += data; });
      res.on("end", () => resolve(JSON.parse(body)));
    }).on("error", reject);
  });
}

// A scheduler of the package, with what it emitted on record.
function schedulerFor(port, options) {
  const scheduler = new Scheduler(Object.assign({
    masterUrl: "127.0.0.1",
    port,
    logging: { path: folder, fileName: "scheduler.log", level: "error" },
  }, options));
  const seen = { states: {}, errors: [], subscribed: 0, heartbeats: 0, messages: [], updates: [] };
  scheduler.on("ready", () => scheduler.subscribe());
  scheduler.on("subscribed", () => { seen.subscribed++; });
  scheduler.on("heartbeat", () => { seen.heartbeats++; });
  scheduler.on("error", (error) => { seen.errors.push(error.message || error); });
  scheduler.on("message", (message) => { seen.messages.push(message.data); });
  scheduler.on("update", (update) => {
    seen.updates.push(update.status);
    seen.states[update.status.task_id.value] = update.status.state;
  });
  seen.count = (state) => Object.values(seen.states).filter((one) => one === state).length;
  return { scheduler, seen };
}

function command(line) {
  return new mesos.CommandInfo(null, null, true, line, null, null);
}

// Ends a framework; its connection closes with it, of which the package complains.
async function teardown(port, one) {
  const id = one.scheduler.frameworkId;
  one.scheduler.subscribe = () => {}; // or it would come back, and be refused
  one.scheduler.teardown();
  await until("torn down, as /state shows", async () => {
    const state = await getState(port);
    return state.completed_frameworks.some((framework) => framework.id === id);
  });
}

async function runsCommandTasks(port) {
  const one = schedulerFor(port, {
    frameworkName: "commands",
    tasks: {
      quick: { priority: 1, instances: 3, commandInfo: command("echo hello"),
        resources: { cpus: 0.2, mem: 32, ports: 1, disk: 0 } },
      long: { priority: 2, instances: 2, commandInfo: command("sleep 1000"),
        resources: { cpus: 0.2, mem: 32, ports: 0, disk: 0 } },
    },
  });
  await until("three command tasks reach TASK_FINISHED", () => one.seen.count("TASK_FINISHED") === 3);
  await until("two go on as TASK_RUNNING", () => one.seen.count("TASK_RUNNING") === 2);
  for (const task of one.scheduler.launchedTasks.slice()) {
    one.scheduler.kill(task.taskId, task.runtimeInfo.agentId);
  }
  await until("and are killed: TASK_KILLED", () => one.seen.count("TASK_KILLED") === 2);
  one.scheduler.reconcile();
  check("subscribed once, without an error", one.seen.subscribed === 1 && one.seen.errors.length === 0,
    one.seen.errors);
  await teardown(port, one);
}

// An executor for three tasks: the first two finish by themselves, the third is killed.
async function runsItsExecutor(port) {
  const executor = path.join(__dirname, "npm", "executor.js");
  let launched = false;
  const one = schedulerFor(port, {
    frameworkName: "executors",
    handlers: {
      OFFERS: function (offers) {
        for (const offer of offers.offers) {
          if (launched) {
            this.decline([offer.id], null);
            continue;
          }
          launched = true;
          const scalar = (name, value) => ({ name, type: "SCALAR", scalar: { value } });
          const taskInfos = ["finish-1", "finish-2", "stay"].map((id) => ({
            name: id,
            task_id: { value: id },
            agent_id: offer.agent_id,
            resources: [scalar("cpus", 0.1), scalar("mem", 32)],
            executor: {
              executor_id: { value: "npm-executor" },
              command: { value: `exec ${process.execPath} ${executor}` },
              resources: [scalar("cpus", 0.1), scalar("mem", 32)],
            },
          }));
          this.accept([offer.id], [{ type: "LAUNCH", launch: { task_infos: taskInfos } }], null);
        }
      },
    },
  });
  await until("its executor runs tasks to TASK_FINISHED", () => one.seen.count("TASK_FINISHED") === 2);
  await until("one stays TASK_RUNNING", () => one.seen.states.stay === "TASK_RUNNING");
  const agent = one.seen.updates[0].agent_id.value;
  one.scheduler.message(agent, "npm-executor", "ping");
  await until("messages pass both ways", () => one.seen.messages.includes("pong: ping"));
  one.scheduler.kill("stay", agent);
  await until("it kills a task when told to", () => one.seen.states.stay === "TASK_KILLED");
  check("no error on the way", one.seen.errors.length === 0, one.seen.errors);
  await teardown(port, one);
}

// The package gives up on a master that is silent for ten seconds.
async function staysThroughQuietMinutes(port) {
  const one = schedulerFor(port, {
    frameworkName: "quiet",
    tasks: {
      fill: { priority: 1, instances: 8, commandInfo: command("sleep 1000"),
        resources: { cpus: 0.25, mem: 32, ports: 0, disk: 0 } },
    },
  });
  await until("eight tasks fill the cluster", () => one.seen.count("TASK_RUNNING") === 8);
  const before = one.seen.heartbeats;
  await new Promise((resolve) => setTimeout(resolve, quietSeconds * 1000));
  check(`stays subscribed through ${quietSeconds} quiet seconds`,
    one.seen.subscribed === 1 && one.seen.errors.length === 0, one.seen);
  check("hears heartbeats meanwhile", one.seen.heartbeats - before >= Math.floor(quietSeconds / 10),
    one.seen.heartbeats - before);
  check("its tasks still run", one.seen.count("TASK_RUNNING") === 8, one.seen.states);
  await teardown(port, one);
}

async function main() {
  const { cluster, port } = await startCluster();
  try {
    await runsCommandTasks(port);
    await runsItsExecutor(port);
    await staysThroughQuietMinutes(port);
  } finally {
    cluster.removeAllListeners("exit");
    cluster.kill("SIGTERM");
    await new Promise((resolve) => cluster.on("exit", resolve));
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((error) => check("no exception", false, error.stack)).finally(() => {
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
});
