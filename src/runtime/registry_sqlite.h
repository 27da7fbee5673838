// The registry of a single master in <work_dir>/registry.db (WAL, every commit on disk before
// store() returns). One thread at a time; a second process on the same work_dir is refused.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "base/rng.h"
#include "protocol/registry.h"
#include "runtime/sqlite.h"

namespace souk::runtime {

class SqliteRegistry {
 public:
  // Opens or makes the file (and the directory), gives a new cluster its id, and takes the next
  // epoch for this leader: what initial() tells is on disk when this returns.
  static Result<std::unique_ptr<SqliteRegistry>> open(const std::string& work_dir, Rng& rng);

  // The registry as this leader found it, its own epoch included.
  const protocol::Registry& initial() const { return initial_; }

  // All in one transaction, in order: after an error none of them is stored.
  Result<void> store(std::span<const protocol::RegistryOperation> operations);

 private:
  struct Statements {
    Statement add_agent;
    Statement remove_agent;
    Statement set_value;
    Statement set_weight;
    Statement add_quota;
    Statement remove_quota;
  };
  struct Apply;

  explicit SqliteRegistry(std::unique_ptr<Database> database) : database_(std::move(database)) {}
  Result<void> prepare();
  Result<void> load_agents();
  Result<void> load_values();
  Result<void> load_weights();
  Result<void> load_quotas();
  Result<void> take_epoch(Rng& rng);
  Result<void> set_value(std::string_view name, std::string_view value);

  std::unique_ptr<Database> database_;
  std::optional<Statements> statements_;  // gone before the database is
  protocol::Registry initial_;
};

}  // namespace souk::runtime
