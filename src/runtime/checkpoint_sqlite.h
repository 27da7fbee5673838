// An agent's checkpoint in <work_dir>/agent.db (WAL; survives the agent's crash, and the machine's
// but for its last moments). One thread at a time; a second agent on the same work_dir is refused.
//
// Frameworks, executors, tasks and statuses are stored as the link carries them
// (wire/codec_link.h), so they are read by the versions of Souk that read the link.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "agent/checkpoint.h"
#include "base/result.h"
#include "runtime/sqlite.h"

namespace souk::runtime {

class SqliteCheckpoint {
 public:
  static Result<std::unique_ptr<SqliteCheckpoint>> open(const std::string& work_dir);
  ~SqliteCheckpoint();

  // What the last run left.
  agent::Checkpoint& initial() { return initial_; }

  // All in one transaction, in order: after an error none of them is stored.
  Result<void> store(std::span<const agent::CheckpointOperation> operations);

 private:
  struct Statements;
  struct Store;

  explicit SqliteCheckpoint(std::unique_ptr<Database> database);
  Result<void> prepare();
  Result<void> load();
  Result<void> load_values();
  Result<void> load_frameworks();
  Result<void> load_containers();
  Result<void> load_tasks();
  Result<void> load_updates();

  std::unique_ptr<Database> database_;
  std::unique_ptr<Statements> statements_;
  agent::Checkpoint initial_;
};

}  // namespace souk::runtime
