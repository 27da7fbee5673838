#include "runtime/registry_sqlite.h"

#include <array>
#include <charconv>
#include <filesystem>
#include <initializer_list>
#include <system_error>
#include <utility>
#include <variant>

#include "base/uuid.h"

namespace souk::runtime {
namespace {

namespace op = protocol::registry;

constexpr int64_t kAdmitted = 1;
constexpr int64_t kUnreachable = 2;
constexpr int64_t kGone = 3;

constexpr int64_t kGuarantee = 1;
constexpr int64_t kLimit = 2;

// list: 1 admitted, 2 unreachable, 3 gone; since_ns: wall time, 0 for admitted ones. kind: 1
// guarantee, 2 limit.
constexpr std::array kMigrations = {
    R"sql(
      CREATE TABLE value (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
      CREATE TABLE agent (
        list INTEGER NOT NULL CHECK (list BETWEEN 1 AND 3),
        id TEXT NOT NULL,
        hostname TEXT NOT NULL,
        since_ns INTEGER NOT NULL,
        PRIMARY KEY (list, id)
      ) WITHOUT ROWID;
    )sql",
    R"sql(
      CREATE TABLE weight (role TEXT PRIMARY KEY, thousandths INTEGER NOT NULL) WITHOUT ROWID;
      CREATE TABLE quota (
        role TEXT NOT NULL,
        kind INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 2),
        name TEXT NOT NULL,
        thousandths INTEGER NOT NULL,
        PRIMARY KEY (role, kind, name)
      ) WITHOUT ROWID;
    )sql",
};

uint64_t parse_number(std::string_view text) {
  uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

int64_t nanoseconds(WallTime when) { return when.time_since_epoch().count(); }

}  // namespace

Result<std::unique_ptr<SqliteRegistry>> SqliteRegistry::open(const std::string& work_dir,
                                                             Rng& rng) {
  std::error_code error;
  std::filesystem::create_directories(work_dir, error);
  if (error) return fail("cannot make the directory {}: {}", work_dir, error.message());
  Result<std::unique_ptr<Database>> database =
      Database::open((std::filesystem::path(work_dir) / "registry.db").string(),
                     {.sync = Database::Sync::kFull, .exclusive = true}, kMigrations);
  if (!database) return std::unexpected(database.error());
  std::unique_ptr<SqliteRegistry> registry(new SqliteRegistry(std::move(*database)));
  Result<void> done = registry->prepare();
  if (done) done = registry->load_values();
  if (done) done = registry->load_agents();
  if (done) done = registry->load_weights();
  if (done) done = registry->load_quotas();
  if (done) done = registry->take_epoch(rng);
  if (!done) return std::unexpected(done.error());
  return registry;
}

Result<void> SqliteRegistry::prepare() {
  Error first;
  const auto statement = [&](std::string_view sql) -> std::optional<Statement> {
    Result<Statement> prepared = database_->prepare(sql);
    if (prepared) return std::move(*prepared);
    if (first.message.empty()) first = prepared.error();
    return std::nullopt;
  };
  auto add_agent =
      statement("INSERT OR REPLACE INTO agent (list, id, hostname, since_ns) VALUES (?, ?, ?, ?)");
  auto remove_agent = statement("DELETE FROM agent WHERE list = ? AND id = ?");
  auto set_value = statement("INSERT OR REPLACE INTO value (name, value) VALUES (?, ?)");
  auto set_weight = statement("INSERT OR REPLACE INTO weight (role, thousandths) VALUES (?, ?)");
  auto add_quota =
      statement("INSERT OR REPLACE INTO quota (role, kind, name, thousandths) VALUES (?, ?, ?, ?)");
  auto remove_quota = statement("DELETE FROM quota WHERE role = ?");
  if (!first.message.empty()) return std::unexpected(std::move(first));
  statements_.emplace(Statements{.add_agent = std::move(*add_agent),
                                 .remove_agent = std::move(*remove_agent),
                                 .set_value = std::move(*set_value),
                                 .set_weight = std::move(*set_weight),
                                 .add_quota = std::move(*add_quota),
                                 .remove_quota = std::move(*remove_quota)});
  return {};
}

Result<void> SqliteRegistry::load_values() {
  Result<Statement> read = database_->prepare("SELECT name, value FROM value");
  if (!read) return std::unexpected(read.error());
  while (true) {
    const Result<bool> row = read->step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return {};
    const std::string name = read->text(0);
    const std::string value = read->text(1);
    if (name == "cluster_id") initial_.cluster_id = value;
    if (name == "epoch") initial_.epoch = parse_number(value);
  }
}

Result<void> SqliteRegistry::load_agents() {
  Result<Statement> read = database_->prepare("SELECT id, list, hostname, since_ns FROM agent");
  if (!read) return std::unexpected(read.error());
  while (true) {
    const Result<bool> row = read->step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return {};
    const AgentId id(read->text(0));
    const WallTime since{Duration(read->number(3))};
    const int64_t list = read->number(1);
    if (list == kAdmitted) initial_.admitted[id] = {read->text(2)};
    if (list == kUnreachable) initial_.unreachable[id] = since;
    if (list == kGone) initial_.gone[id] = since;
  }
}

Result<void> SqliteRegistry::load_weights() {
  Result<Statement> read = database_->prepare("SELECT role, thousandths FROM weight");
  if (!read) return std::unexpected(read.error());
  while (true) {
    const Result<bool> row = read->step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return {};
    initial_.weights[read->text(0)] = Scalar{read->number(1)};
  }
}

Result<void> SqliteRegistry::load_quotas() {
  Result<Statement> read =
      database_->prepare("SELECT role, kind, name, thousandths FROM quota ORDER BY role, name");
  if (!read) return std::unexpected(read.error());
  while (true) {
    const Result<bool> row = read->step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return {};
    Quota& quota = initial_.quotas[read->text(0)];
    Quantities& amounts = read->number(1) == kGuarantee ? quota.guarantees : quota.limits;
    amounts.emplace_back(read->text(2), Scalar{read->number(3)});
  }
}

Result<void> SqliteRegistry::take_epoch(Rng& rng) {
  if (initial_.cluster_id.empty()) initial_.cluster_id = Uuid::random(rng).to_string();
  ++initial_.epoch;
  return database_->transaction([&]() -> Result<void> {
    if (Result<void> done = set_value("cluster_id", initial_.cluster_id); !done) return done;
    return set_value("epoch", fmt::format("{}", initial_.epoch));
  });
}

Result<void> SqliteRegistry::set_value(std::string_view name, std::string_view value) {
  return statements_->set_value.bind(1, name).bind(2, value).run();
}

// The same fold as protocol::apply(), on the table.
struct SqliteRegistry::Apply {
  Database& database;
  Statements& statements;

  Result<void> add(int64_t list, const AgentId& id, std::string_view hostname,
                   int64_t since) const {
    return statements.add_agent.bind(1, list)
        .bind(2, id.value)
        .bind(3, hostname)
        .bind(4, since)
        .run();
  }
  // How many it removed: 0 or 1.
  Result<int64_t> remove(int64_t list, const AgentId& id) const {
    const Result<void> done = statements.remove_agent.bind(1, list).bind(2, id.value).run();
    if (!done) return std::unexpected(done.error());
    return database.changes();
  }
  Result<void> remove_from(std::initializer_list<int64_t> lists, const AgentId& id) const {
    for (const int64_t list : lists) {
      if (const Result<int64_t> done = remove(list, id); !done)
        return std::unexpected(done.error());
    }
    return {};
  }
  Result<void> admit(const AgentId& id, std::string_view hostname) const {
    if (Result<void> done = remove_from({kUnreachable}, id); !done) return done;
    return add(kAdmitted, id, hostname, 0);
  }

  Result<void> operator()(const op::AdmitAgent& o) const { return admit(o.id, o.hostname); }
  Result<void> operator()(const op::MarkReachable& o) const { return admit(o.id, o.hostname); }
  Result<void> operator()(const op::MarkUnreachable& o) const {
    const Result<int64_t> removed = remove(kAdmitted, o.id);
    if (!removed) return std::unexpected(removed.error());
    if (*removed == 0) return {};
    return add(kUnreachable, o.id, "", nanoseconds(o.at));
  }
  Result<void> operator()(const op::MarkGone& o) const {
    if (Result<void> done = remove_from({kAdmitted, kUnreachable}, o.id); !done) return done;
    return add(kGone, o.id, "", nanoseconds(o.at));
  }
  Result<void> operator()(const op::RemoveAgent& o) const {
    return remove_from({kAdmitted, kUnreachable, kGone}, o.id);
  }

  Result<void> operator()(const op::SetWeights& o) const {
    for (const protocol::RoleWeight& each : o.weights) {
      const Result<void> done =
          statements.set_weight.bind(1, each.role).bind(2, each.weight.thousandths).run();
      if (!done) return done;
    }
    return {};
  }
  Result<void> operator()(const op::SetQuotas& o) const {
    for (const protocol::RoleQuota& each : o.quotas) {
      if (auto done = statements.remove_quota.bind(1, each.role).run(); !done) return done;
      if (auto done = add(each.role, kGuarantee, each.quota.guarantees); !done) return done;
      if (auto done = add(each.role, kLimit, each.quota.limits); !done) return done;
    }
    return {};
  }
  Result<void> add(std::string_view role, int64_t kind, const Quantities& amounts) const {
    for (const auto& [name, amount] : amounts) {
      const Result<void> done = statements.add_quota.bind(1, role)
                                    .bind(2, kind)
                                    .bind(3, name)
                                    .bind(4, amount.thousandths)
                                    .run();
      if (!done) return done;
    }
    return {};
  }
};

Result<void> SqliteRegistry::store(std::span<const protocol::RegistryOperation> operations) {
  if (operations.empty()) return {};
  return database_->transaction([&]() -> Result<void> {
    const Apply apply{*database_, *statements_};
    for (const protocol::RegistryOperation& operation : operations) {
      if (Result<void> done = std::visit(apply, operation); !done) return done;
    }
    return {};
  });
}

}  // namespace souk::runtime
