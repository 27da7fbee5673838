#include "runtime/sandbox.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>

#include "wire/json_writer.h"

namespace souk::runtime {
namespace {

namespace fs = std::filesystem;

// Closes what it holds.
class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

std::string system_error() { return std::strerror(errno); }

// Opens without ever leaving `root`: a task may have put any link in its sandbox. A FIFO does not
// hold us up.
int open_beneath(int root, const std::string& path) {
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(
      syscall(SYS_openat2, root, path.empty() ? "." : path.c_str(), &how, sizeof(how)));
}

int open_folder(int above, const char* name) {
  return ::openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

// One that is there already will do, a link to one will not. A descriptor, or -1 and errno.
int make_folder(int above, const char* name) {
  if (::mkdirat(above, name, 0755) != 0 && errno != EEXIST) return -1;
  return open_folder(above, name);
}

// As mkdir -p, from the far end: most often all but the last few are there. errno tells why not.
bool make_folders(const fs::path& path) {
  constexpr mode_t kMode = 0755;
  if (::mkdir(path.c_str(), kMode) == 0 || errno == EEXIST) return true;
  if (errno != ENOENT || !path.has_relative_path()) return false;
  if (!make_folders(path.parent_path())) return false;
  return ::mkdir(path.c_str(), kMode) == 0 || errno == EEXIST;
}

protocol::to_master::FileAnswer refuse(uint64_t request, int status, std::string text) {
  return {request, status, std::move(text), "text/plain; charset=utf-8"};
}

std::string mode_text(mode_t mode) {
  std::string text = "----------";
  if (S_ISDIR(mode)) text[0] = 'd';
  if (S_ISLNK(mode)) text[0] = 'l';
  constexpr std::string_view kLetters = "rwx";
  for (std::size_t i = 0; i < 9; ++i) {
    if ((mode & (0400u >> i)) != 0) text[i + 1] = kLetters[i % 3];
  }
  return text;
}

std::string user_name(uid_t uid) {
  const passwd* entry = getpwuid(uid);
  return entry != nullptr ? std::string(entry->pw_name) : fmt::format("{}", uid);
}

std::string group_name(gid_t gid) {
  const group* entry = getgrgid(gid);
  return entry != nullptr ? std::string(entry->gr_name) : fmt::format("{}", gid);
}

// The array that /files/browse gives, sorted by path. Takes the descriptor.
std::string list_folder(int fd, const std::string& shown_path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(fdopendir(fd), closedir);
  std::vector<std::string> names;
  while (folder != nullptr) {
    const dirent* entry = readdir(folder.get());
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  std::string out;
  wire::JsonWriter json(out);
  json.begin_array();
  for (const std::string& name : names) {
    struct stat info{};
    if (fstatat(dirfd(folder.get()), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    json.begin_object();
    json.field("path", fmt::format("{}/{}", shown_path, name));
    json.field("size", static_cast<int64_t>(info.st_size));
    json.field("nlink", static_cast<int64_t>(info.st_nlink));
    json.field("mtime", static_cast<double>(info.st_mtime));
    json.field("mode", mode_text(info.st_mode));
    json.field("uid", user_name(info.st_uid));
    json.field("gid", group_name(info.st_gid));
    json.end_object();
  }
  json.end_array();
  return out;
}

// Cuts an incomplete UTF-8 character off the end, so that the next read starts with it.
std::size_t whole_characters(std::string_view text) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xc0) == 0x80) continue;  // within a character
    const std::size_t length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? text.size() - back : text.size();
  }
  return text.size();
}

}  // namespace

Result<User> find_user(const std::string& name) {
  passwd entry{};
  passwd* found = nullptr;
  std::string buffer(16 * 1024, '\0');
  getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) {
    return fail(
        "there is no user '{}' on this agent: add it, or set another CommandInfo.user or "
        "FrameworkInfo.user, or start the agent with --no-switch_user",
        name);
  }
  User user{name, found->pw_dir, found->pw_uid, found->pw_gid, {}};
  int count = 64;
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  while (getgrouplist(name.c_str(), found->pw_gid, groups.data(), &count) < 0) {
    groups.resize(static_cast<std::size_t>(count));
  }
  groups.resize(static_cast<std::size_t>(count));
  user.groups.assign(groups.begin(), groups.end());
  return user;
}

Sandboxes::Sandboxes(const std::string& work_dir)
    : root_((fs::absolute(work_dir) / "slaves").lexically_normal().string()) {}

std::string Sandboxes::path(const agent::Sandbox& sandbox) const {
  return fmt::format("{}/{}/frameworks/{}/executors/{}/runs/{}", root_, sandbox.agent,
                     sandbox.framework, sandbox.executor, sandbox.container);
}

Result<std::string> Sandboxes::make(const agent::Sandbox& sandbox, const User* user) const {
  std::string folder = path(sandbox);
  if (!make_folders(folder))
    return fail("cannot make the sandbox '{}': {}", folder, system_error());
  if (user != nullptr &&
      ::chown(folder.c_str(), static_cast<uid_t>(user->uid), static_cast<gid_t>(user->gid)) != 0) {
    return fail("cannot give the sandbox '{}' to {}: {}", folder, user->name, system_error());
  }
  // Relative, so that it holds wherever the work directory is seen from; replaced in one step.
  const fs::path runs = fs::path(folder).parent_path();
  const std::string& target = sandbox.container.value;
  if (::symlink(target.c_str(), (runs / "latest").c_str()) == 0) return folder;
  const fs::path fresh = runs / ("latest." + target);
  if (errno != EEXIST || ::symlink(target.c_str(), fresh.c_str()) != 0 ||
      ::rename(fresh.c_str(), (runs / "latest").c_str()) != 0) {
    return fail("cannot point '{}/latest' to it: {}", runs.string(), system_error());
  }
  return folder;
}

Result<void> Sandboxes::make_task_folder(const agent::Sandbox& sandbox, const TaskId& task,
                                         const User* user) const {
  const std::string folder = path(sandbox);
  const auto failed = [&](const char* what) -> Result<void> {
    return fail("cannot {} '{}/tasks/{}': {}", what, folder, task, system_error());
  };
  const Fd container(open_folder(AT_FDCWD, folder.c_str()));
  const Fd tasks(container ? make_folder(container.get(), "tasks") : -1);
  const Fd own(tasks ? make_folder(tasks.get(), task.value.c_str()) : -1);
  if (!own) return failed("make");
  if (user != nullptr &&
      ::fchown(own.get(), static_cast<uid_t>(user->uid), static_cast<gid_t>(user->gid)) != 0) {
    return failed("give away");
  }
  return {};
}

Result<void> Sandboxes::remove(const agent::Sandbox& sandbox) const {
  const fs::path folder = path(sandbox);
  std::error_code error;
  fs::remove_all(folder, error);
  if (error) return fail("cannot remove the sandbox '{}': {}", folder.string(), error.message());
  const fs::path runs = folder.parent_path();
  if (fs::read_symlink(runs / "latest", error) == sandbox.container.value) {
    fs::remove(runs / "latest", error);
  }
  // runs, the executor, "executors", the framework: as long as they are empty.
  fs::path above = runs;
  for (int level = 0; level < 4; ++level) {
    if (::rmdir(above.c_str()) != 0) break;
    above = above.parent_path();
  }
  return {};
}

Result<std::string> Sandboxes::relative(const AgentId& agent, const std::string& path) const {
  if (path.find('\0') != std::string::npos) return fail("a path cannot hold a NUL byte");
  if (path.starts_with(root_ + "/")) return path.substr(root_.size() + 1);
  if (path.starts_with("/frameworks/")) return agent.value + path;
  return fail("'{}' is no path of a sandbox: those start with '{}/' or '/frameworks/'", path,
              root_);
}

protocol::to_master::FileAnswer Sandboxes::serve(
    const AgentId& agent, const protocol::to_agent::FileRequest& request) const {
  using Kind = protocol::to_agent::FileRequest::Kind;
  const auto wanted = relative(agent, request.path);
  if (!wanted) return refuse(request.request, 404, wanted.error().message);
  const Fd root(::open(root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  Fd file(root ? open_beneath(root.get(), *wanted) : -1);
  if (!file) {
    const int status = errno == EACCES || errno == EXDEV || errno == ELOOP ? 403 : 404;
    return refuse(request.request, status,
                  fmt::format("cannot open '{}': {}", request.path, system_error()));
  }
  struct stat info{};
  if (fstat(file.get(), &info) != 0) return refuse(request.request, 500, system_error());
  if (request.kind == Kind::kBrowse) {
    if (!S_ISDIR(info.st_mode)) {
      return refuse(request.request, 404, fmt::format("'{}' is no folder", request.path));
    }
    return {request.request, 200, list_folder(file.release(), request.path), "application/json"};
  }
  if (!S_ISREG(info.st_mode)) {
    return refuse(request.request, 400, fmt::format("'{}' is no regular file", request.path));
  }
  std::string data;
  int64_t offset = request.offset;
  if (offset < 0) {
    offset = info.st_size;
  } else {
    const int64_t most = request.length < 0 ? kMaxFileRead : std::min(request.length, kMaxFileRead);
    data.resize(static_cast<std::size_t>(most));
    const ssize_t count = ::pread(file.get(), data.data(), data.size(), offset);
    if (count < 0) return refuse(request.request, 500, system_error());
    data.resize(static_cast<std::size_t>(count));
  }
  if (request.kind == Kind::kRaw) {
    return {request.request, 200, std::move(data), "application/octet-stream"};
  }
  data.resize(whole_characters(data));
  std::string out;
  wire::JsonWriter json(out);
  json.begin_object();
  json.field("data", data);
  json.field("offset", offset);
  json.end_object();
  return {request.request, 200, std::move(out), "application/json"};
}

}  // namespace souk::runtime
