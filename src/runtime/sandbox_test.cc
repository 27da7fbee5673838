#include "runtime/sandbox.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "runtime/detect.h"
#include "runtime/test_support.h"

namespace souk::runtime {
namespace {

namespace fs = std::filesystem;
using protocol::to_agent::FileRequest;
using testing::TemporaryDirectory;

agent::Sandbox sandbox(const std::string& container, const std::string& executor = "E") {
  return {AgentId("A"), FrameworkId("F"), ExecutorId(executor), ContainerId(container)};
}

TEST(Sandboxes, MakesTheFolderAndPointsLatestToIt) {
  TemporaryDirectory directory;
  const Sandboxes sandboxes(directory.path());
  const std::string first = sandboxes.make(sandbox("c1"), nullptr).value();
  EXPECT_EQ(first, directory.path() + "/slaves/A/frameworks/F/executors/E/runs/c1");
  EXPECT_EQ(first, sandboxes.path(sandbox("c1")));
  EXPECT_TRUE(fs::is_directory(first));
  const fs::path latest = fs::path(first).parent_path() / "latest";
  EXPECT_EQ(fs::read_symlink(latest), "c1");
  const std::string second = sandboxes.make(sandbox("c2"), nullptr).value();
  EXPECT_EQ(fs::read_symlink(latest), "c2");
  EXPECT_TRUE(fs::equivalent(latest, second));
  EXPECT_TRUE(sandboxes.make(sandbox("c2"), nullptr).has_value());  // again: no matter
}

TEST(Sandboxes, RemovesTheFolderAndWhatIsEmptyAboveIt) {
  TemporaryDirectory directory;
  const Sandboxes sandboxes(directory.path());
  const fs::path first = sandboxes.make(sandbox("c1"), nullptr).value();
  const fs::path second = sandboxes.make(sandbox("c2"), nullptr).value();
  fs::create_directories(first / "deep/er");
  std::ofstream(first / "deep/er/file") << "x";
  ASSERT_TRUE(sandboxes.remove(sandbox("c1")).has_value());
  EXPECT_FALSE(fs::exists(first));
  EXPECT_EQ(fs::read_symlink(second.parent_path() / "latest"), "c2");
  const fs::path other = sandboxes.make(sandbox("c3", "E2"), nullptr).value();
  ASSERT_TRUE(sandboxes.remove(sandbox("c2")).has_value());
  EXPECT_FALSE(fs::exists(fs::path(directory.path()) / "slaves/A/frameworks/F/executors/E"));
  EXPECT_TRUE(fs::exists(other));
  ASSERT_TRUE(sandboxes.remove(sandbox("c3", "E2")).has_value());
  EXPECT_FALSE(fs::exists(fs::path(directory.path()) / "slaves/A/frameworks/F"));
  EXPECT_TRUE(sandboxes.remove(sandbox("c3", "E2")).has_value());  // gone already
}

TEST(Sandboxes, DoesNotFollowLinksWhenItRemoves) {
  TemporaryDirectory directory;
  const Sandboxes sandboxes(directory.path());
  const fs::path folder = sandboxes.make(sandbox("c1"), nullptr).value();
  const fs::path precious = fs::path(directory.path()) / "precious";
  fs::create_directory(precious);
  std::ofstream(precious / "file") << "x";
  fs::create_directory_symlink(precious, folder / "link");
  ASSERT_TRUE(sandboxes.remove(sandbox("c1")).has_value());
  EXPECT_TRUE(fs::exists(precious / "file"));
}

TEST(Sandboxes, SaysWhyItCannotMakeOne) {
  TemporaryDirectory directory;
  std::ofstream(directory.path() + "/slaves") << "a file in the way";
  const auto made = Sandboxes(directory.path()).make(sandbox("c1"), nullptr);
  ASSERT_FALSE(made.has_value());
  EXPECT_TRUE(made.error().message.starts_with("cannot make the sandbox '"))
      << made.error().message;
}

TEST(Sandboxes, MakesFoldersForTheTasksOfAGroup) {
  TemporaryDirectory directory;
  const Sandboxes sandboxes(directory.path());
  EXPECT_FALSE(sandboxes.make_task_folder(sandbox("c1"), TaskId("t1"), nullptr).has_value())
      << "no sandbox";
  const fs::path folder = sandboxes.make(sandbox("c1"), nullptr).value();
  for (const char* task : {"t1", "t2", "t1"}) {
    ASSERT_TRUE(sandboxes.make_task_folder(sandbox("c1"), TaskId(task), nullptr).has_value());
    EXPECT_TRUE(fs::is_directory(folder / "tasks" / task));
  }
  if (geteuid() != 0) return;
  const User nobody = find_user("nobody").value();
  ASSERT_TRUE(sandboxes.make_task_folder(sandbox("c1"), TaskId("t3"), &nobody).has_value());
  struct stat info{};
  ASSERT_EQ(stat((folder / "tasks/t3").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, nobody.uid);
  ASSERT_EQ(stat((folder / "tasks").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 0u);
}

// The first tasks of a group may have put links where the folders of the next ones come.
TEST(Sandboxes, MakesNoFolderBehindALink) {
  TemporaryDirectory directory;
  const Sandboxes sandboxes(directory.path());
  const fs::path folder = sandboxes.make(sandbox("c1"), nullptr).value();
  const fs::path precious = fs::path(directory.path()) / "precious";
  fs::create_directory(precious);
  const User someone{.name = "someone", .uid = 65'534, .gid = 65'534};
  const User* const user = geteuid() == 0 ? &someone : nullptr;

  fs::create_directory_symlink(precious, folder / "tasks");
  const auto behind = sandboxes.make_task_folder(sandbox("c1"), TaskId("t1"), user);
  ASSERT_FALSE(behind.has_value());
  EXPECT_NE(behind.error().message.find("/tasks/t1'"), std::string::npos);
  EXPECT_TRUE(fs::is_empty(precious));

  fs::remove(folder / "tasks");
  fs::create_directory(folder / "tasks");
  fs::create_directory_symlink(precious, folder / "tasks/t1");
  EXPECT_FALSE(sandboxes.make_task_folder(sandbox("c1"), TaskId("t1"), user).has_value());
  struct stat info{};
  ASSERT_EQ(stat(precious.c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, geteuid());

  fs::remove(folder / "tasks/t1");
  std::ofstream(folder / "tasks/t1") << "a file in the way";
  EXPECT_FALSE(sandboxes.make_task_folder(sandbox("c1"), TaskId("t1"), user).has_value());
}

TEST(Users, AreFoundOrNamedInTheError) {
  const auto root = find_user("root");
  ASSERT_TRUE(root.has_value());
  EXPECT_EQ(root->uid, 0);
  EXPECT_FALSE(root->groups.empty());
  const auto nobody = find_user("no-such-user");
  ASSERT_FALSE(nobody.has_value());
  EXPECT_NE(nobody.error().message.find("'no-such-user'"), std::string::npos);
  EXPECT_NE(nobody.error().message.find("--no-switch_user"), std::string::npos);
}

// --- what others may read

class Files : public ::testing::Test {
 protected:
  Files() : sandboxes_(directory_.path()) {
    folder_ = sandboxes_.make(sandbox("c1"), nullptr).value();
    std::ofstream(folder_ / "stdout") << "hello world";
    fs::create_directory(folder_ / "sub");
  }
  protocol::to_master::FileAnswer ask(FileRequest::Kind kind, const std::string& path,
                                      int64_t offset = 0, int64_t length = -1) {
    return sandboxes_.serve(
        AgentId("A"),
        {.request = 9, .kind = kind, .path = path, .offset = offset, .length = length});
  }
  protocol::to_master::FileAnswer read(const std::string& name, int64_t offset = 0,
                                       int64_t length = -1) {
    return ask(FileRequest::Kind::kRead, (folder_ / name).string(), offset, length);
  }

  TemporaryDirectory directory_;
  Sandboxes sandboxes_;
  fs::path folder_;
};

TEST_F(Files, AreReadInParts) {
  const auto answer = read("stdout");
  EXPECT_EQ(answer.request, 9u);
  EXPECT_EQ(answer.http_status, 200);
  EXPECT_EQ(answer.content_type, "application/json");
  EXPECT_EQ(answer.body, R"({"data":"hello world","offset":0})");
  EXPECT_EQ(read("stdout", 6).body, R"({"data":"world","offset":6})");
  EXPECT_EQ(read("stdout", 6, 2).body, R"({"data":"wo","offset":6})");
  EXPECT_EQ(read("stdout", 0, 0).body, R"({"data":"","offset":0})");
  EXPECT_EQ(read("stdout", 11).body, R"({"data":"","offset":11})");
  EXPECT_EQ(read("stdout", 1'000'000).body, R"({"data":"","offset":1000000})");
  // Only how long it is.
  EXPECT_EQ(read("stdout", -1).body, R"({"data":"","offset":11})");
}

TEST_F(Files, AreFoundByTheirVirtualPath) {
  for (const char* run : {"c1", "latest"}) {
    const auto answer =
        ask(FileRequest::Kind::kRead, fmt::format("/frameworks/F/executors/E/runs/{}/stdout", run));
    EXPECT_EQ(answer.http_status, 200) << run << " " << answer.body;
  }
}

TEST_F(Files, OneAnswerIsBounded) {
  std::ofstream(folder_ / "big") << std::string(kMaxFileRead + 100, 'x');
  const auto path = (folder_ / "big").string();
  EXPECT_EQ(ask(FileRequest::Kind::kRaw, path).body.size(), kMaxFileRead);
  EXPECT_EQ(ask(FileRequest::Kind::kRaw, path, 0, int64_t{1} << 60).body.size(), kMaxFileRead);
  EXPECT_EQ(ask(FileRequest::Kind::kRaw, path, kMaxFileRead).body.size(), 100u);
}

TEST_F(Files, TextIsCutBetweenCharacters) {
  std::ofstream(folder_ / "text") << "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x8d\x8e";  // a é € 🍎
  EXPECT_EQ(read("text", 0, 1).body, R"({"data":"a","offset":0})");
  EXPECT_EQ(read("text", 0, 2).body, R"({"data":"a","offset":0})");
  EXPECT_EQ(read("text", 0, 3).body, R"({"data":"a\u00e9","offset":0})");
  EXPECT_EQ(read("text", 0, 5).body, R"({"data":"a\u00e9","offset":0})");
  EXPECT_EQ(read("text", 0, 6).body, R"({"data":"a\u00e9\u20ac","offset":0})");
  EXPECT_EQ(read("text", 6, 3).body, R"({"data":"","offset":6})");
  // Raw bytes are not.
  EXPECT_EQ(ask(FileRequest::Kind::kRaw, (folder_ / "text").string(), 0, 2).body, "a\xc3");
}

TEST_F(Files, RawBytesAreAsTheyAre) {
  const std::string bytes("\0\xff\x01\n", 4);
  std::ofstream(folder_ / "bytes", std::ios::binary) << bytes;
  const auto answer = ask(FileRequest::Kind::kRaw, (folder_ / "bytes").string());
  EXPECT_EQ(answer.body, bytes);
  EXPECT_EQ(answer.content_type, "application/octet-stream");
}

TEST_F(Files, FoldersAreBrowsed) {
  ASSERT_EQ(chmod((folder_ / "stdout").c_str(), 0640), 0);
  const auto answer = ask(FileRequest::Kind::kBrowse, "/frameworks/F/executors/E/runs/c1");
  EXPECT_EQ(answer.http_status, 200);
  const auto expect = [&](const std::string& part) {
    EXPECT_NE(answer.body.find(part), std::string::npos) << part << " in " << answer.body;
  };
  expect(R"("path":"/frameworks/F/executors/E/runs/c1/stdout")");
  expect(R"("size":11)");
  expect(R"("mode":"-rw-r-----")");
  expect(R"("mode":"drwx)");
  EXPECT_LT(answer.body.find("/stdout"), answer.body.find("/sub"));
  EXPECT_EQ(ask(FileRequest::Kind::kBrowse, (folder_ / "sub").string()).body, "[]");
}

TEST_F(Files, OfTheWrongKindAreRefused) {
  EXPECT_EQ(ask(FileRequest::Kind::kBrowse, (folder_ / "stdout").string()).http_status, 404);
  EXPECT_EQ(read("sub").http_status, 400);
  EXPECT_EQ(read("nothing").http_status, 404);
  ASSERT_EQ(mkfifo((folder_ / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(read("fifo").http_status, 400);  // and at once, though nobody writes
  EXPECT_EQ(ask(FileRequest::Kind::kRead, "relative").http_status, 404);
  EXPECT_EQ(ask(FileRequest::Kind::kRead, "").http_status, 404);
  EXPECT_EQ(ask(FileRequest::Kind::kRead, "/etc/passwd").http_status, 404);
}

TEST_F(Files, NothingOutsideIsRead) {
  std::ofstream(directory_.path() + "/agent.db") << "secret";
  const auto refused = [](const protocol::to_master::FileAnswer& answer) {
    const bool is = answer.http_status == 403 || answer.http_status == 404;
    return is && answer.body.find("secret") == std::string::npos;
  };
  fs::create_symlink("/etc/passwd", folder_ / "absolute");
  fs::create_symlink("../../../../../../../../agent.db", folder_ / "relative");
  fs::create_symlink("loop", folder_ / "loop");
  fs::create_directory_symlink("/", folder_ / "root");
  fs::create_symlink("/proc/self/root/etc/passwd", folder_ / "magic");
  for (const char* name : {"absolute", "relative", "loop", "magic", "root/etc/passwd"}) {
    EXPECT_EQ(read(name).http_status, 403) << name;
  }
  EXPECT_TRUE(refused(ask(FileRequest::Kind::kBrowse, (folder_ / "root").string())));
  EXPECT_TRUE(refused(ask(FileRequest::Kind::kRead, "/frameworks/../../../agent.db")));
  EXPECT_TRUE(refused(ask(FileRequest::Kind::kRead, directory_.path() + "/slaves/../agent.db")));
  EXPECT_TRUE(refused(ask(FileRequest::Kind::kRead, std::string("/frameworks/F\0x", 15))));
  // Links within are followed.
  fs::create_symlink("stdout", folder_ / "good");
  EXPECT_EQ(read("good").http_status, 200);
}

// --- detection

TEST(Detect, FillsInWhatWasNotGiven) {
  TemporaryDirectory directory;
  const Resources all = agent_resources("", directory.path()).value();
  std::set<std::string> names;
  for (const Resource& item : all.items()) names.insert(item.name);
  EXPECT_EQ(names, (std::set<std::string>{"cpus", "disk", "mem", "ports"}));
  const Resources some = agent_resources("cpus:1.5;gpus:2", directory.path()).value();
  EXPECT_TRUE(some.contains(Resources::parse("cpus:1.5;gpus:2;ports:[31000-32000]").value()));
  EXPECT_FALSE(some.contains(Resources::parse("cpus:1.6").value()));
  EXPECT_FALSE(agent_resources("cpus:many", directory.path()).has_value());
  EXPECT_TRUE(agent_resources("", "/no/such/folder").has_value());
  EXPECT_FALSE(host_name().empty());
}

TEST(Detect, SetAsideForShortTasks) {
  const Resources all = Resources::parse("cpus:4;mem:1024;ports:[1000-1099];gpus(eng):2").value();
  const auto none = set_aside(all, "", Duration::zero());
  ASSERT_TRUE(none.has_value());
  EXPECT_EQ(none->ordinary, all);
  EXPECT_TRUE(none->short_slots.empty());
  const auto some = set_aside(all, "cpus:1.5;ports:[1010-1019];gpus(eng):2", 60s);
  ASSERT_TRUE(some.has_value()) << some.error().message;
  EXPECT_EQ(some->ordinary,
            Resources::parse("cpus:2.5;mem:1024;ports:[1000-1009,1020-1099]").value());
  EXPECT_EQ(some->short_slots, Resources::parse("cpus:1.5;ports:[1010-1019];gpus(eng):2").value());
  EXPECT_TRUE(set_aside(all, all.to_string(), 60s)->ordinary.empty());
}

TEST(Detect, RefuseWhatCannotBeSetAside) {
  const Resources all = Resources::parse("cpus:4;mem:1024;ports:[1000-1099]").value();
  const auto why = [&](std::string_view text, Duration limit) {
    const auto divided = set_aside(all, text, limit);
    return divided ? std::string() : divided.error().message;
  };
  const auto has = [](const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
  };
  EXPECT_TRUE(has(why("cpus:2", 0s), "needs --max_short_task_duration"));
  EXPECT_TRUE(has(why("cpus:2", -1s), "needs --max_short_task_duration"));
  EXPECT_TRUE(has(why("", 60s), "needs --short_task_resources"));
  EXPECT_TRUE(has(why("cpus:5", 60s), "cpus:4;mem:1024;ports:[1000-1099]")) << why("cpus:5", 60s);
  EXPECT_TRUE(has(why("ports:[1090-1100]", 60s), "not among"));
  EXPECT_TRUE(has(why("cpus(eng):1", 60s), "not among"));
  EXPECT_TRUE(has(why("gpus:1", 60s), "not among"));
  EXPECT_TRUE(has(why("cpus:many", 60s), "--short_task_resources: "));
  EXPECT_TRUE(has(why("cpus:0", 60s), "nothing")) << why("cpus:0", 60s);
}

}  // namespace
}  // namespace souk::runtime
