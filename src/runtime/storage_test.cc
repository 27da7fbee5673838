// SQLite, the registry in it, unix sockets, the log and metrics.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <fstream>
#include <limits>

#include "runtime/log.h"
#include "runtime/metrics.h"
#include "runtime/registry_sqlite.h"
#include "runtime/sqlite.h"
#include "runtime/test_support.h"
#include "runtime/unix_socket.h"

namespace souk::runtime {
namespace {

namespace op = protocol::registry;
using protocol::RegistryOperation;
using testing::TemporaryDirectory;

constexpr const char* kFirst[] = {"CREATE TABLE t (a INTEGER, b BLOB)"};
constexpr const char* kSecond[] = {kFirst[0], "ALTER TABLE t ADD COLUMN c TEXT DEFAULT 'new'"};

TEST(Sqlite, KeepsBytesAndMigrates) {
  TemporaryDirectory directory;
  const std::string path = directory.path() + "/x.db";
  const std::string bytes("a\0b\xff", 4);
  {
    auto database = Database::open(path, {}, kFirst).value();
    Statement insert = std::move(database->prepare("INSERT INTO t VALUES (?, ?)").value());
    EXPECT_TRUE(insert.bind(1, int64_t{-5}).bind_blob(2, bytes).run().has_value());
    EXPECT_TRUE(insert.bind(1, INT64_MAX).bind_blob(2, "").run().has_value());
    EXPECT_EQ(database->changes(), 1);
  }
  auto database = Database::open(path, {}, kSecond).value();
  Statement read = std::move(database->prepare("SELECT a, b, c FROM t ORDER BY a").value());
  ASSERT_TRUE(read.step().value());
  EXPECT_EQ(read.number(0), -5);
  EXPECT_EQ(read.text(1), bytes);
  EXPECT_EQ(read.text(2), "new");
  ASSERT_TRUE(read.step().value());
  EXPECT_EQ(read.text(1), "");
  EXPECT_FALSE(read.is_null(1));
  EXPECT_FALSE(read.step().value());
}

TEST(Sqlite, RollsBackWhatFails) {
  TemporaryDirectory directory;
  auto database = Database::open(directory.path() + "/x.db", {}, kFirst).value();
  const Result<void> done = database->transaction([&]() -> Result<void> {
    EXPECT_TRUE(database->execute("INSERT INTO t VALUES (1, 2)").has_value());
    return fail("no");
  });
  EXPECT_EQ(done.error().message, "no");
  Statement count = std::move(database->prepare("SELECT count(*) FROM t").value());
  ASSERT_TRUE(count.step().value());
  EXPECT_EQ(count.number(0), 0);
}

TEST(Sqlite, ErrorsSayWhatToDo) {
  TemporaryDirectory directory;
  const std::string path = directory.path() + "/x.db";
  const auto refused = [&](const std::string& file, std::span<const char* const> schema) {
    auto database = Database::open(file, {}, schema);
    return database ? std::string("opened") : database.error().message;
  };
  {
    auto first = Database::open(path, {}, kSecond).value();
    EXPECT_NE(refused(path, kSecond).find("another process"), std::string::npos);
  }
  EXPECT_NE(refused(path, kFirst).find("newer souk (schema 2"), std::string::npos);
  EXPECT_NE(refused(directory.path() + "/none/x.db", kFirst).find("directory exists"),
            std::string::npos);
  std::ofstream(directory.path() + "/bad.db") << std::string(5000, 'x');
  EXPECT_NE(refused(directory.path() + "/bad.db", kFirst).find("damaged"), std::string::npos);
  constexpr const char* kWrong[] = {"CREATE nonsense"};
  EXPECT_NE(refused(directory.path() + "/y.db", kWrong).find("nonsense"), std::string::npos);
}

TEST(Sqlite, AFullDiskIsAnError) {
  TemporaryDirectory directory;
  auto database = Database::open(directory.path() + "/x.db", {}, kFirst).value();
  ASSERT_TRUE(database->execute("PRAGMA max_page_count = 10").has_value());
  const Result<void> full = database->transaction([&]() -> Result<void> {
    return database->execute("INSERT INTO t VALUES (1, zeroblob(1000000))");
  });
  ASSERT_FALSE(full.has_value());
  EXPECT_NE(full.error().message.find("free some space"), std::string::npos);
  EXPECT_TRUE(database->execute("INSERT INTO t VALUES (1, 2)").has_value());
}

TEST(SqliteRegistry, KeepsTheClusterAndCountsEpochs) {
  TemporaryDirectory directory;
  const std::string work_dir = directory.path() + "/new/work";
  Rng rng(1);
  std::string cluster;
  for (uint64_t epoch = 1; epoch <= 3; ++epoch) {
    auto registry = SqliteRegistry::open(work_dir, rng).value();
    EXPECT_EQ(registry->initial().epoch, epoch);
    EXPECT_EQ(registry->initial().cluster_id.size(), 36u);
    if (epoch > 1) {
      EXPECT_EQ(registry->initial().cluster_id, cluster);
    }
    cluster = registry->initial().cluster_id;
  }
  TemporaryDirectory other;
  EXPECT_NE(SqliteRegistry::open(other.path(), rng).value()->initial().cluster_id, cluster);
}

TEST(SqliteRegistry, RefusesASecondProcess) {
  TemporaryDirectory directory;
  Rng rng(1);
  auto first = SqliteRegistry::open(directory.path(), rng).value();
  auto second = SqliteRegistry::open(directory.path(), rng);
  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().message.find("another process"), std::string::npos);
}

RegistryOperation random_operation(Rng& rng) {
  const auto id = AgentId(fmt::format("S{}", rng.below(4)));
  const WallTime at{Duration(rng.below(1'000'000))};
  const auto role = fmt::format("r{}", rng.below(4));
  const auto amounts = [&rng] {
    Quantities some;
    for (const char* name : {"cpus", "disk", "m\xc3\xa4m"}) {
      if (rng.below(2) == 0) some.emplace_back(name, Scalar{static_cast<int64_t>(rng.below(9))});
    }
    return some;
  };
  switch (rng.below(7)) {
    case 5:
      return op::SetWeights{
          {{role, Scalar{static_cast<int64_t>(1 + rng.below(5000))}}, {"all", Scalar{1}}}};
    case 6:
      return op::SetQuotas{{{role, {amounts(), amounts()}}, {"other", {amounts(), {}}}}};
    case 0:
      return op::AdmitAgent{id, "host"};
    case 1:
      return op::MarkUnreachable{id, at};
    case 2:
      return op::MarkReachable{id, "other"};
    case 3:
      return op::MarkGone{id, at};
    default:
      return op::RemoveAgent{id};
  }
}

TEST(SqliteRegistry, StoresWhatApplyFolds) {
  for (uint64_t seed = 0; seed < 12; ++seed) {
    TemporaryDirectory directory;
    Rng rng(seed);
    protocol::Registry expected;
    {
      auto registry = SqliteRegistry::open(directory.path(), rng).value();
      expected = registry->initial();
      for (uint64_t batches = rng.below(4); batches > 0; --batches) {
        std::vector<RegistryOperation> operations;
        for (uint64_t n = rng.below(10); n > 0; --n) operations.push_back(random_operation(rng));
        ASSERT_TRUE(registry->store(operations).has_value());
        for (const RegistryOperation& operation : operations) protocol::apply(expected, operation);
      }
    }
    ++expected.epoch;
    auto again = SqliteRegistry::open(directory.path(), rng).value();
    EXPECT_EQ(again->initial(), expected) << "seed " << seed;
  }
}

TEST(SqliteRegistry, AWeightAndAQuotaAreKept) {
  TemporaryDirectory directory;
  Rng rng(1);
  const Quota quota{{{"cpus", Scalar{1500}}},
                    {{"cpus", Scalar{kMaxQuotaAmount}}, {"mem", Scalar{0}}}};
  const std::string deep = "eng/" + std::string(1000, 'x');
  {
    auto registry = SqliteRegistry::open(directory.path(), rng).value();
    const std::vector<RegistryOperation> operations = {
        op::SetWeights{{{deep, Scalar{1}}, {"*", Scalar{2500}}}},
        op::SetQuotas{{{deep, quota}, {"gone", quota}}}, op::SetQuotas{{{"gone", {}}}}};
    ASSERT_TRUE(registry->store(operations).has_value());
  }
  const protocol::Registry found = SqliteRegistry::open(directory.path(), rng).value()->initial();
  EXPECT_EQ(found.weights, (std::map<std::string, Scalar>{{deep, Scalar{1}}, {"*", Scalar{2500}}}));
  EXPECT_EQ(found.quotas, (std::map<std::string, Quota>{{deep, quota}}));
}

// As version 1 of the schema left it: before there were weights and quotas.
TEST(SqliteRegistry, OpensTheRegistryOfThePreviousVersion) {
  TemporaryDirectory directory;
  constexpr const char* kVersion1[] = {R"sql(
      CREATE TABLE value (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
      CREATE TABLE agent (list INTEGER NOT NULL CHECK (list BETWEEN 1 AND 3), id TEXT NOT NULL,
        hostname TEXT NOT NULL, since_ns INTEGER NOT NULL, PRIMARY KEY (list, id)) WITHOUT ROWID;
    )sql"};
  {
    auto old = Database::open(directory.path() + "/registry.db", {}, kVersion1).value();
    ASSERT_TRUE(old->execute("INSERT INTO value VALUES ('cluster_id', 'C'), ('epoch', '7')"));
    ASSERT_TRUE(old->execute("INSERT INTO agent VALUES (1, 'S1', 'host', 0)"));
  }
  Rng rng(1);
  for (uint64_t epoch = 8; epoch <= 9; ++epoch) {
    auto registry = SqliteRegistry::open(directory.path(), rng).value();
    EXPECT_EQ(registry->initial().cluster_id, "C");
    EXPECT_EQ(registry->initial().epoch, epoch);
    EXPECT_EQ(registry->initial().admitted.at(AgentId("S1")).hostname, "host");
    EXPECT_EQ(registry->initial().weights.size(), epoch - 8);
    const std::vector<RegistryOperation> one = {op::SetWeights{{{"a", Scalar{2000}}}}};
    ASSERT_TRUE(registry->store(one).has_value());
  }
}

// --- unix sockets

namespace supervisor = protocol::supervisor;

TEST(UnixSocket, CarriesFramesOverALongPath) {
  TemporaryDirectory directory;
  const std::string folder = directory.path() + "/" + std::string(120, 'd');
  std::filesystem::create_directory(folder);
  const std::string path = folder + "/socket";
  Loop loop;
  std::unique_ptr<UnixConnection> server_end;
  std::vector<std::string> got;
  std::string closed;
  auto listener = UnixListener::listen(loop, path, [&](std::unique_ptr<UnixConnection> accepted) {
    server_end = std::move(accepted);
    EXPECT_EQ(server_end->peer_pid(), getpid());
    EXPECT_EQ(server_end->peer_uid(), static_cast<int64_t>(getuid()));
    server_end->start({.on_frame =
                           [&](std::string_view frame) {
                             const auto hello = supervisor::decode_from_supervisor(frame).value();
                             got.push_back(std::get<supervisor::Hello>(hello).container);
                             std::string answer;
                             supervisor::append_frame(
                                 answer, supervisor::ToSupervisor(supervisor::Taken{.number = 7}));
                             server_end->send(std::move(answer));
                           },
                       .on_closed =
                           [&](const std::string& why) {
                             closed = why;
                             server_end.reset();
                             loop.stop();
                           }});
  });
  ASSERT_TRUE(listener.has_value()) << listener.error().message;
  auto client = unix_connect(loop, path);
  ASSERT_TRUE(client.has_value()) << client.error().message;
  std::string hello;
  supervisor::append_frame(hello, supervisor::FromSupervisor(supervisor::Hello{.container = "c1"}));
  (*client)->start({.on_frame =
                        [&](std::string_view frame) {
                          const auto taken = supervisor::decode_to_supervisor(frame).value();
                          got.push_back(std::to_string(std::get<supervisor::Taken>(taken).number));
                          client->reset();  // in its own callback
                        },
                    .on_closed = [](const std::string&) { ADD_FAILURE(); }});
  (*client)->send(hello);
  loop.run();
  EXPECT_EQ(got, (std::vector<std::string>{"c1", "7"}));
  EXPECT_FALSE(closed.empty());
  listener->reset();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(UnixSocket, TakesTheLeftOverPathAndRefusesBadOnes) {
  TemporaryDirectory directory;
  const std::string path = directory.path() + "/s";
  std::ofstream(path) << "left over";
  Loop loop;
  auto listener = UnixListener::listen(loop, path, [](std::unique_ptr<UnixConnection>) {});
  EXPECT_TRUE(listener.has_value());
  EXPECT_EQ(std::filesystem::status(path).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_FALSE(UnixListener::listen(loop, directory.path() + "/none/s", {}).has_value());
  EXPECT_FALSE(
      UnixListener::listen(loop, directory.path() + "/" + std::string(200, 'n'), {}).has_value());
  EXPECT_FALSE(unix_connect(loop, directory.path() + "/nobody").has_value());
}

TEST(UnixSocket, APeerThatBreaksTheFramingIsCutOff) {
  TemporaryDirectory directory;
  const std::string path = directory.path() + "/s";
  Loop loop;
  std::unique_ptr<UnixConnection> server_end;
  std::string closed;
  auto listener = UnixListener::listen(loop, path, [&](std::unique_ptr<UnixConnection> accepted) {
    server_end = std::move(accepted);
    server_end->start({.on_frame = [](std::string_view) { ADD_FAILURE(); },
                       .on_closed =
                           [&](const std::string& why) {
                             closed = why;
                             loop.stop();
                           }});
  });
  auto client = unix_connect(loop, path).value();
  client->start({});
  client->send("\xff\xff\xff\xff----");
  loop.run();
  EXPECT_EQ(closed, "a frame is too long");
}

// --- log and metrics

TEST(Log, TextAndJsonLines) {
  const WallTime when{Duration(1'700'000'000'123'456'789)};
  EXPECT_EQ(format_log_line(LogFormat::kText, when, LogLevel::kInfo, "agent registered",
                            {{"agent", "S1"}, {"name", "two words"}, {"n", 3}}),
            "2023-11-14T22:13:20.123456Z info    agent registered agent=S1 name=\"two words\" n=3");
  EXPECT_EQ(format_log_line(LogFormat::kJson, when, LogLevel::kError, "a \"b\"\n\x01",
                            {{"agent", AgentId("S\\1")},
                             {"n", 1.5},
                             {"bad", std::numeric_limits<double>::infinity()}}),
            "{\"time\":\"2023-11-14T22:13:20.123456Z\",\"level\":\"error\",\"message\":"
            "\"a \\\"b\\\"\\n\\u0001\",\"agent\":\"S\\\\1\",\"n\":1.5,\"bad\":\"inf\"}");
}

TEST(Log, AMessageStaysOneLine) {
  const std::string line = format_log_line(LogFormat::kText, {}, LogLevel::kInfo, "a\nb",
                                           {{"k", "c\nd=\"e\""}, {"empty", ""}});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_TRUE(line.ends_with("a b k=\"c\\nd=\\\"e\\\"\" empty=\"\"")) << line;
}

TEST(Log, LevelsByName) {
  EXPECT_EQ(parse_log_level("WARNING").value(), LogLevel::kWarning);
  EXPECT_EQ(parse_log_level("debug").value(), LogLevel::kDebug);
  EXPECT_FALSE(parse_log_level("loud").has_value());
  EXPECT_EQ(parse_log_format("json").value(), LogFormat::kJson);
  EXPECT_FALSE(parse_log_format("xml").has_value());
}

TEST(EventTrail, KeepsTheLastOnes) {
  EventTrail trail("master");
  for (std::size_t i = 0; i < EventTrail::kEvents + 10; ++i) {
    trail.note({}, "Event", std::to_string(i));
  }
  trail.note({}, std::string(500, 'w'), std::string(500, 'a'));
  const std::string text = trail.to_string();
  EXPECT_EQ(text.find("Event 10\n"), std::string::npos);
  EXPECT_NE(text.find("Event 11\n"), std::string::npos);
  EXPECT_NE(text.find("Event 265\n"), std::string::npos);
}

TEST(Metrics, PrometheusText) {
  const std::string text = prometheus_text(
      {{.name = "souk_tasks_total",
        .help = "Tasks ended.",
        .kind = MetricKind::kCounter,
        .samples = {{.labels = {{"state", "a\"b"}}, .value = 3}, {.labels = {}, .value = 4.5}}},
       {.name = "9bad/name", .samples = {{.labels = {}, .value = 1}}},
       {.name = "latency_seconds",
        .kind = MetricKind::kHistogram,
        .buckets = {{0.5, 1}, {1, 2}},
        .sum = 1.2,
        .count = 3}});
  for (const char* line :
       {"# HELP souk_tasks_total Tasks ended.\n", "# TYPE souk_tasks_total counter\n",
        "souk_tasks_total{state=\"a\\\"b\"} 3\n", "souk_tasks_total 4.5\n", "_9bad_name 1\n",
        "latency_seconds_count 3\n", "latency_seconds_bucket{le=\"0.5\"} 1\n",
        "latency_seconds_bucket{le=\"+Inf\"} 3\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "in\n" << text;
  }
}

TEST(Metrics, SnapshotJson) {
  EXPECT_EQ(snapshot_json({}), "{}");
  EXPECT_EQ(snapshot_json({{"master/elected", 1},
                           {"a\"b", 0.25},
                           {"nan", std::numeric_limits<double>::quiet_NaN()},
                           {"big", 1e300},
                           {"neg", -0.5}}),
            "{\"master/elected\":1.0,\"a\\\"b\":0.25,\"big\":1e+300,\"neg\":-0.5}");
}

}  // namespace
}  // namespace souk::runtime
