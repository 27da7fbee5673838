// The folders of containers under an agent's work directory, and what others may read of them. Not
// thread-safe; calls block for some system calls on a local disk.
//
//   <work_dir>/slaves/<agent>/frameworks/<framework>/executors/<executor>/runs/<container>
//   .../runs/latest -> <container>
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "agent/checkpoint.h"
#include "base/result.h"
#include "protocol/link.h"

namespace souk::runtime {

// How much one answer holds at the most, in bytes of the file.
inline constexpr int64_t kMaxFileRead = 1 << 20;

// A user of the machine, by number: what a process becomes.
struct User {
  std::string name;
  std::string home;
  int64_t uid = -1;
  int64_t gid = -1;
  std::vector<int64_t> groups;
};
// An error names the user and what to do.
Result<User> find_user(const std::string& name);

class Sandboxes {
 public:
  explicit Sandboxes(const std::string& work_dir);

  std::string path(const agent::Sandbox& sandbox) const;
  // Makes the folder, gives it to the user if there is one, and points `latest` to it.
  Result<std::string> make(const agent::Sandbox& sandbox, const User* user) const;
  // Makes tasks/<task> in a sandbox that is there, for a task of a group, and gives it to the user
  // if there is one. The tasks before it may have put anything in its place: no link is followed.
  Result<void> make_task_folder(const agent::Sandbox& sandbox, const TaskId& task,
                                const User* user) const;
  // Removes the folder and those above it that are empty then.
  Result<void> remove(const agent::Sandbox& sandbox) const;

  // /files/read, /files/browse and raw bytes. Paths come from outside: the whole path of a sandbox,
  // or the virtual
  // "/frameworks/<id>/executors/<id>/runs/<id or latest>/...". Nothing outside of <work_dir>/slaves
  // is read, whatever links a task may have made. The request's number is copied.
  protocol::to_master::FileAnswer serve(const AgentId& agent,
                                        const protocol::to_agent::FileRequest& request) const;

 private:
  // Relative to <work_dir>/slaves; an error is for the reader.
  Result<std::string> relative(const AgentId& agent, const std::string& path) const;

  std::string root_;  // <work_dir>/slaves
};

}  // namespace souk::runtime
