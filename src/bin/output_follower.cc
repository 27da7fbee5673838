#include "bin/output_follower.h"

#include <cstdio>
#include <functional>
#include <map>
#include <thread>
#include <utility>

#include "runtime/http_client.h"
#include "runtime/loop.h"
#include "wire/http_text.h"

namespace souk::bin {
namespace {

constexpr Duration kPollInterval = 100ms;
// An agent that is gone does not answer: after so many failures in a row, what is left is lost.
constexpr int kMaxFailures = 20;

}  // namespace

struct OutputFollower::Impl {
  struct File {
    std::string path;
    std::FILE* to = nullptr;
    int64_t offset = 0;
    std::string line;  // of a prefixed task: not complete yet
    bool at_end = false;
  };
  struct Task {
    AgentId agent;
    std::string prefix;
    File files[2];
    std::size_t reading = 0;  // which file is asked for
    bool asked = false;
    bool ended = false;
    bool asked_after_end = false;  // only such an answer shows that there is no more
    int failures = 0;
    std::function<void()> done;
  };

  explicit Impl(std::string m)
      : master(std::move(m)),
        client(loop, {.answer_timeout = 5s}),
        thread([this] { loop.run(); }) {}
  ~Impl() { loop.stop(); }

  void read(const TaskId& id);
  void answered(const TaskId& id, const Result<runtime::HttpAnswer>& answer);
  void print(Task& task, File& file, const std::string& bytes);
  void end(const TaskId& id);

  std::string master;
  runtime::Loop loop;
  runtime::HttpClient client;
  std::map<TaskId, Task> tasks;
  std::jthread thread;
};

void OutputFollower::Impl::read(const TaskId& id) {
  const auto at = tasks.find(id);
  if (at == tasks.end() || at->second.asked) return;
  Task& task = at->second;
  const File& file = task.files[task.reading];
  auto url = runtime::parse_url(
      fmt::format("http://{}/souk/v1/agents/{}/files/raw?path={}&offset={}", master, task.agent,
                  wire::percent_encode(file.path), file.offset));
  if (!url) return end(id);
  task.asked = true;
  task.asked_after_end = task.ended;
  const runtime::ClientRequest request{.method = "GET", .url = std::move(*url)};
  client.request(request, [this, id](Result<runtime::HttpAnswer> answer) { answered(id, answer); });
}

void OutputFollower::Impl::answered(const TaskId& id, const Result<runtime::HttpAnswer>& answer) {
  const auto at = tasks.find(id);
  if (at == tasks.end()) return;
  Task& task = at->second;
  task.asked = false;
  File& file = task.files[task.reading];
  const bool good = answer && answer->status == 200;
  if (good) {
    task.failures = 0;
    file.offset += static_cast<int64_t>(answer->body.size());
    if (!answer->body.empty()) {
      print(task, file, answer->body);
      return read(id);
    }
  } else if (answer && answer->status == 404) {
    task.failures = task.asked_after_end ? kMaxFailures : 0;  // never written, and never will be
  } else {
    ++task.failures;
  }
  // This file has been read to where it is now.
  file.at_end = task.asked_after_end && (good || task.failures >= kMaxFailures);
  task.reading = 1 - task.reading;
  if (task.files[0].at_end && task.files[1].at_end) return end(id);
  if (task.ended && good) return read(id);
  loop.call_after(kPollInterval, [this, id] { read(id); });
}

void OutputFollower::Impl::print(Task& task, File& file, const std::string& bytes) {
  if (task.prefix.empty()) {
    std::fwrite(bytes.data(), 1, bytes.size(), file.to);
    std::fflush(file.to);
    return;
  }
  file.line += bytes;
  std::size_t from = 0;
  for (std::size_t end = file.line.find('\n'); end != std::string::npos;
       end = file.line.find('\n', from)) {
    std::fprintf(file.to, "%s", task.prefix.c_str());
    std::fwrite(file.line.data() + from, 1, end + 1 - from, file.to);
    from = end + 1;
  }
  file.line.erase(0, from);
  std::fflush(file.to);
}

void OutputFollower::Impl::end(const TaskId& id) {
  auto node = tasks.extract(id);
  for (File& file : node.mapped().files) {
    if (!file.line.empty()) {
      std::fprintf(file.to, "%s%s\n", node.mapped().prefix.c_str(), file.line.c_str());
      std::fflush(file.to);
    }
  }
  if (node.mapped().done) node.mapped().done();
}

OutputFollower::OutputFollower(std::string master)
    : impl_(std::make_unique<Impl>(std::move(master))) {}
OutputFollower::~OutputFollower() = default;

void OutputFollower::follow(const TaskId& task, const AgentId& agent, std::string sandbox,
                            std::string prefix) {
  impl_->loop.post([this, task, agent, sandbox = std::move(sandbox), prefix = std::move(prefix)] {
    if (impl_->tasks.contains(task)) return;
    Impl::Task& one = impl_->tasks[task];
    one.agent = agent;
    one.prefix = prefix;
    one.files[0] = {.path = sandbox + "/stdout", .to = stdout};
    one.files[1] = {.path = sandbox + "/stderr", .to = stderr};
    impl_->read(task);
  });
}

void OutputFollower::finish(const TaskId& task, std::function<void()> done) {
  impl_->loop.post([this, task, done = std::move(done)]() mutable {
    const auto at = impl_->tasks.find(task);
    if (at == impl_->tasks.end()) return done();  // it never ran
    at->second.ended = true;
    at->second.done = std::move(done);
  });
}

}  // namespace souk::bin
