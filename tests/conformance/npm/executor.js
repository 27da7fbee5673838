// The executor of npm_mesos_framework.js, by the package's Executor. It calls only handlers that are given for each event.
"use strict";

const crypto = require("crypto");
const path = require("path");
const { Executor } = require(path.join(__dirname, "..", "node_modules", "mesos-framework"));

function update(executor, taskId, state) {
  executor.update({
    task_id: taskId,
    executor_id: executor.executorId,
    source: "SOURCE_EXECUTOR",
    state,
    uuid: crypto.randomBytes(16).toString("base64"),
  });
}

const executor = new Executor({
  handlers: {
    SUBSCRIBED: function (subscribed) {},
    LAUNCH: function (launch) {
      const id = launch.task.task_id;
      update(this, id, "TASK_RUNNING");
      if (id.value.startsWith("finish")) setTimeout(() => update(this, id, "TASK_FINISHED"), 200);
    },
    KILL: function (kill) { update(this, kill.task_id, "TASK_KILLED"); },
    ACKNOWLEDGED: function (acknowledged) {},
    MESSAGE: function (message) {
      this.message("pong: " + Buffer.from(message.data, "base64").toString());
    },
    ERROR: function (error) {},
    SHUTDOWN: function (shutdown) { process.exit(0); },
  },
});
executor.on("error", (error) => { console.error(error); });
executor.subscribe();
