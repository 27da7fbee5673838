#include "runtime/checkpoint_sqlite.h"

#include <array>
#include <charconv>
#include <filesystem>
#include <optional>
#include <utility>

#include "protocol/link.h"
#include "wire/codec_link.h"

namespace souk::runtime {
namespace {

namespace checkpoint = agent::checkpoint;
namespace to_master = protocol::to_master;

// container.ended_ns: wall time; null while something runs in it. task.state: the latest that was
// stored.
constexpr std::array kMigrations = {
    R"sql(
      CREATE TABLE value (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
      CREATE TABLE framework (
        id TEXT PRIMARY KEY, removing INTEGER NOT NULL, bytes BLOB NOT NULL
      ) WITHOUT ROWID;
      CREATE TABLE container (
        id TEXT PRIMARY KEY, kind INTEGER NOT NULL, agent TEXT NOT NULL, framework TEXT NOT NULL,
        executor TEXT NOT NULL, pid INTEGER NOT NULL, bytes BLOB NOT NULL, ended_ns INTEGER
      ) WITHOUT ROWID;
      CREATE TABLE task (
        framework TEXT NOT NULL, id TEXT NOT NULL, container TEXT NOT NULL, batch INTEGER NOT NULL,
        in_group INTEGER NOT NULL, added_ns INTEGER NOT NULL, state INTEGER NOT NULL,
        bytes BLOB NOT NULL, PRIMARY KEY (framework, id)
      ) WITHOUT ROWID;
      CREATE TABLE pending (
        number INTEGER PRIMARY KEY, framework TEXT NOT NULL, task TEXT NOT NULL, uuid BLOB NOT NULL,
        bytes BLOB NOT NULL
      );
      CREATE INDEX pending_of_task ON pending (framework, task);
    )sql",
    // Of the slot for short tasks that it holds, 0: of none. The grace of its revocation, null: not
    // revoked.
    R"sql(
      ALTER TABLE task ADD COLUMN slot_limit_ns INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE task ADD COLUMN revoked_grace_ns INTEGER;
    )sql",
};

std::string to_bytes(const protocol::AgentMessage& message) {
  std::string bytes;
  // Only a message beyond the link's bound fails, and that could not have come over the link.
  if (!wire::append_link_frame(bytes, message)) return {};
  return bytes.substr(wire::kLinkHeaderBytes);
}

// The parts that are stored, each within a message of the link.
std::string to_bytes(const FrameworkInfo& info) {
  to_master::Register message;
  message.frameworks.push_back(info);
  return to_bytes(protocol::AgentMessage(std::move(message)));
}
std::string to_bytes(const protocol::ExecutorRecord& record) {
  to_master::Register message;
  message.executors.push_back(record);
  return to_bytes(protocol::AgentMessage(std::move(message)));
}
std::string to_bytes(const protocol::TaskRecord& record) {
  to_master::Register message;
  message.tasks.push_back(record);
  return to_bytes(protocol::AgentMessage(std::move(message)));
}

template <class Message>
Result<Message> from_bytes(std::string_view bytes) {
  auto decoded = wire::decode_agent_message(bytes);
  if (!decoded) return std::unexpected(decoded.error());
  if (!*decoded || !std::holds_alternative<Message>(**decoded)) {
    return fail("agent.db holds a record of another version of Souk");
  }
  return std::get<Message>(std::move(**decoded));
}

Result<to_master::Register> from_register(std::string_view bytes) {
  return from_bytes<to_master::Register>(bytes);
}

int64_t nanoseconds(WallTime when) { return when.time_since_epoch().count(); }
WallTime wall_time(int64_t ns) { return WallTime(Duration(ns)); }

}  // namespace

struct SqliteCheckpoint::Statements {
  Statement set_value;
  Statement set_framework;
  Statement remove_framework_from;
  Statement forget_framework;
  Statement add_container;
  Statement start_container;
  Statement end_container;
  Statement forget_container;
  Statement add_task;
  Statement revoke_task;
  Statement set_state;
  Statement forget_task;
  Statement forget_pending;
  Statement add_pending;
  Statement acknowledge;
};

SqliteCheckpoint::SqliteCheckpoint(std::unique_ptr<Database> database)
    : database_(std::move(database)) {}
SqliteCheckpoint::~SqliteCheckpoint() = default;

Result<std::unique_ptr<SqliteCheckpoint>> SqliteCheckpoint::open(const std::string& work_dir) {
  auto database = Database::open((std::filesystem::path(work_dir) / "agent.db").string(),
                                 {.sync = Database::Sync::kNormal, .exclusive = true}, kMigrations);
  if (!database) return std::unexpected(database.error());
  std::unique_ptr<SqliteCheckpoint> store(new SqliteCheckpoint(std::move(*database)));
  Result<void> done = store->prepare();
  if (done) done = store->load();
  if (!done) return std::unexpected(done.error());
  return store;
}

Result<void> SqliteCheckpoint::prepare() {
  constexpr std::array kSql = {
      "INSERT OR REPLACE INTO value (name, value) VALUES (?, ?)",
      "INSERT INTO framework (id, removing, bytes) VALUES (?, 0, ?) "
      "ON CONFLICT (id) DO UPDATE SET bytes = excluded.bytes",
      "UPDATE framework SET removing = 1 WHERE id = ?",
      "DELETE FROM framework WHERE id = ?",
      "INSERT OR REPLACE INTO container (id, kind, agent, framework, executor, pid, bytes) "
      "VALUES (?, ?, ?, ?, ?, 0, ?)",
      "UPDATE container SET pid = ? WHERE id = ?",
      "UPDATE container SET ended_ns = ? WHERE id = ? AND ended_ns IS NULL",
      "DELETE FROM container WHERE id = ? AND ended_ns IS NOT NULL",
      "INSERT OR REPLACE INTO task (framework, id, container, batch, in_group, added_ns, state, "
      "bytes, slot_limit_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      "UPDATE task SET revoked_grace_ns = ? WHERE framework = ? AND id = ?",
      "UPDATE task SET state = ? WHERE framework = ? AND id = ?",
      "DELETE FROM task WHERE framework = ? AND id = ?",
      "DELETE FROM pending WHERE framework = ? AND task = ?",
      "INSERT INTO pending (framework, task, uuid, bytes) SELECT ?1, ?2, ?3, ?4 "
      "WHERE EXISTS (SELECT 1 FROM task WHERE framework = ?1 AND id = ?2)",
      "DELETE FROM pending WHERE framework = ? AND task = ? AND uuid = ?",
  };
  std::vector<Statement> made;
  for (const char* sql : kSql) {
    auto statement = database_->prepare(sql);
    if (!statement) return std::unexpected(statement.error());
    made.push_back(std::move(*statement));
  }
  auto at = made.begin();
  // Braces evaluate in order: the list above is the order of the members.
  statements_ = std::make_unique<Statements>(Statements{
      std::move(*at++), std::move(*at++), std::move(*at++), std::move(*at++), std::move(*at++),
      std::move(*at++), std::move(*at++), std::move(*at++), std::move(*at++), std::move(*at++),
      std::move(*at++), std::move(*at++), std::move(*at++), std::move(*at++), std::move(*at++)});
  return {};
}

// --- storing

// One operation each; the statement's error says what failed.
struct SqliteCheckpoint::Store {
  Statements& s;

  Result<void> value(std::string_view name, const std::string& text) const {
    return s.set_value.bind(1, name).bind(2, text).run();
  }
  Result<void> operator()(const checkpoint::ClusterMet& o) const {
    return value("cluster_id", o.cluster_id);
  }
  Result<void> operator()(const checkpoint::EpochSeen& o) const {
    return value("epoch", fmt::format("{}", o.epoch));
  }
  Result<void> operator()(const checkpoint::Admitted& o) const {
    return value("agent_id", o.agent.value);
  }
  Result<void> operator()(const checkpoint::FrameworkKnown& o) const {
    return s.set_framework.bind(1, o.info.id.value).bind_blob(2, to_bytes(o.info)).run();
  }
  Result<void> operator()(const checkpoint::FrameworkRemoving& o) const {
    return s.remove_framework_from.bind(1, o.framework.value).run();
  }
  Result<void> operator()(const checkpoint::FrameworkForgotten& o) const {
    return s.forget_framework.bind(1, o.framework.value).run();
  }
  Result<void> operator()(const checkpoint::ContainerAdded& o) const {
    const std::string bytes =
        to_bytes(protocol::ExecutorRecord{o.sandbox.framework, o.role, o.executor});
    return s.add_container.bind(1, o.sandbox.container.value)
        .bind(2, static_cast<int64_t>(o.kind))
        .bind(3, o.sandbox.agent.value)
        .bind(4, o.sandbox.framework.value)
        .bind(5, o.sandbox.executor.value)
        .bind_blob(6, bytes)
        .run();
  }
  Result<void> operator()(const checkpoint::ContainerStarted& o) const {
    return s.start_container.bind(1, o.pid).bind(2, o.container.value).run();
  }
  Result<void> operator()(const checkpoint::ContainerEnded& o) const {
    return s.end_container.bind(1, nanoseconds(o.at)).bind(2, o.container.value).run();
  }
  Result<void> operator()(const checkpoint::SandboxRemoved& o) const {
    return s.forget_container.bind(1, o.container.value).run();
  }
  Result<void> operator()(const checkpoint::TasksAdded& o) const {
    for (const protocol::TaskRecord& record : o.tasks) {
      const std::string bytes = to_bytes(record);
      Result<void> done = s.add_task.bind(1, record.framework_id.value)
                              .bind(2, record.spec.id.value)
                              .bind(3, o.container.value)
                              .bind(4, static_cast<int64_t>(o.batch))
                              .bind(5, static_cast<int64_t>(o.group))
                              .bind(6, nanoseconds(o.at))
                              .bind(7, static_cast<int64_t>(record.state))
                              .bind_blob(8, bytes)
                              .bind(9, o.slot_limit.count())
                              .run();
      if (!done) return done;
      // What an earlier task of this name left.
      done =
          s.forget_pending.bind(1, record.framework_id.value).bind(2, record.spec.id.value).run();
      if (!done) return done;
    }
    return {};
  }
  Result<void> operator()(const checkpoint::TaskRevoked& o) const {
    return s.revoke_task.bind(1, o.grace.count())
        .bind(2, o.framework.value)
        .bind(3, o.task.value)
        .run();
  }
  Result<void> operator()(const checkpoint::UpdatePending& o) const {
    const std::string bytes =
        to_bytes(to_master::StatusUpdate{o.framework, o.status, o.status.state});
    const std::string uuid = o.status.uuid ? o.status.uuid->to_bytes() : std::string();
    Result<void> done = s.set_state.bind(1, static_cast<int64_t>(o.status.state))
                            .bind(2, o.framework.value)
                            .bind(3, o.status.task_id.value)
                            .run();
    if (!done) return done;
    return s.add_pending.bind(1, o.framework.value)
        .bind(2, o.status.task_id.value)
        .bind_blob(3, uuid)
        .bind_blob(4, bytes)
        .run();
  }
  Result<void> operator()(const checkpoint::UpdateAcknowledged& o) const {
    return s.acknowledge.bind(1, o.framework.value)
        .bind(2, o.task.value)
        .bind_blob(3, o.uuid.to_bytes())
        .run();
  }
  Result<void> operator()(const checkpoint::TaskForgotten& o) const {
    Result<void> done = s.forget_pending.bind(1, o.framework.value).bind(2, o.task.value).run();
    if (!done) return done;
    return s.forget_task.bind(1, o.framework.value).bind(2, o.task.value).run();
  }
};

Result<void> SqliteCheckpoint::store(std::span<const agent::CheckpointOperation> operations) {
  return database_->transaction([&]() -> Result<void> {
    for (const agent::CheckpointOperation& operation : operations) {
      if (Result<void> done = std::visit(Store{*statements_}, operation); !done) return done;
    }
    return {};
  });
}

// --- loading

namespace {

// Calls `body` for each row.
template <class Body>
Result<void> each_row(Database& database, const char* sql, Body&& body) {
  auto read = database.prepare(sql);
  if (!read) return std::unexpected(read.error());
  while (true) {
    const Result<bool> row = read->step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return {};
    if (Result<void> done = body(*read); !done) return done;
  }
}

}  // namespace

Result<void> SqliteCheckpoint::load() {
  Result<void> done = load_values();
  if (done) done = load_frameworks();
  if (done) done = load_containers();
  if (done) done = load_tasks();
  if (done) done = load_updates();
  return done;
}

Result<void> SqliteCheckpoint::load_values() {
  return each_row(*database_, "SELECT name, value FROM value", [&](Statement& row) -> Result<void> {
    const std::string name = row.text(0);
    const std::string text = row.text(1);
    if (name == "cluster_id") initial_.cluster_id = text;
    if (name == "agent_id") initial_.agent_id = AgentId(text);
    if (name == "epoch") {
      std::from_chars(text.data(), text.data() + text.size(), initial_.epoch);
    }
    return {};
  });
}

Result<void> SqliteCheckpoint::load_frameworks() {
  constexpr const char* kSql = "SELECT id, removing, bytes FROM framework";
  return each_row(*database_, kSql, [&](Statement& row) -> Result<void> {
    auto message = from_register(row.text(2));
    if (!message) return std::unexpected(message.error());
    if (message->frameworks.empty()) return fail("agent.db: a framework without its description");
    initial_.frameworks[FrameworkId(row.text(0))] = {.info = std::move(message->frameworks.front()),
                                                     .removing = row.number(1) != 0};
    return {};
  });
}

Result<void> SqliteCheckpoint::load_containers() {
  constexpr const char* kSql =
      "SELECT id, kind, agent, framework, executor, pid, bytes, ended_ns FROM container";
  return each_row(*database_, kSql, [&](Statement& row) -> Result<void> {
    const ContainerId id(row.text(0));
    agent::Sandbox sandbox{AgentId(row.text(2)), FrameworkId(row.text(3)), ExecutorId(row.text(4)),
                           id};
    if (!row.is_null(7)) {
      initial_.ended[id] = {.sandbox = std::move(sandbox), .at = wall_time(row.number(7))};
      return {};
    }
    auto message = from_register(row.text(6));
    if (!message) return std::unexpected(message.error());
    if (message->executors.empty()) return fail("agent.db: a container without its executor");
    protocol::ExecutorRecord& record = message->executors.front();
    initial_.containers[id] = {.kind = static_cast<agent::ContainerKind>(row.number(1)),
                               .sandbox = std::move(sandbox),
                               .role = std::move(record.role),
                               .executor = std::move(record.spec),
                               .pid = row.number(5)};
    return {};
  });
}

Result<void> SqliteCheckpoint::load_tasks() {
  constexpr const char* kSql =
      "SELECT framework, id, container, batch, in_group, added_ns, state, bytes, slot_limit_ns, "
      "revoked_grace_ns FROM task";
  return each_row(*database_, kSql, [&](Statement& row) -> Result<void> {
    auto message = from_register(row.text(7));
    if (!message) return std::unexpected(message.error());
    if (message->tasks.empty()) return fail("agent.db: a task without its description");
    agent::Checkpoint::Task task{.record = std::move(message->tasks.front()),
                                 .container = ContainerId(row.text(2)),
                                 .batch = static_cast<uint64_t>(row.number(3)),
                                 .group = row.number(4) != 0,
                                 .added = wall_time(row.number(5)),
                                 .slot_limit = Duration(row.number(8))};
    if (!row.is_null(9)) task.revoked = Duration(row.number(9));
    task.record.state = static_cast<TaskState>(row.number(6));
    initial_.tasks[{FrameworkId(row.text(0)), TaskId(row.text(1))}] = std::move(task);
    return {};
  });
}

Result<void> SqliteCheckpoint::load_updates() {
  constexpr const char* kSql = "SELECT framework, task, bytes FROM pending ORDER BY number";
  return each_row(*database_, kSql, [&](Statement& row) -> Result<void> {
    auto update = from_bytes<to_master::StatusUpdate>(row.text(2));
    if (!update) return std::unexpected(update.error());
    const auto task = initial_.tasks.find({FrameworkId(row.text(0)), TaskId(row.text(1))});
    if (task != initial_.tasks.end()) task->second.pending.push_back(std::move(update->status));
    return {};
  });
}

}  // namespace souk::runtime
