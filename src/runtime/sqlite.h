// A thin owner of SQLite connections and statements. One thread at a time. Errors are texts that
// name the file and say what to do about the usual ones (disk full, locked, corrupt).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace souk::runtime {

class Database;

// A prepared statement. bind() counts from 1, columns from 0, as SQLite does. reset() before it is
// run again.
class Statement {
 public:
  Statement(Statement&&) noexcept = default;
  Statement& operator=(Statement&&) noexcept = default;

  Statement& bind(int index, int64_t number);
  Statement& bind(int index, std::string_view text);
  Statement& bind_blob(int index, std::string_view bytes);

  // One row further: false at the end.
  Result<bool> step();
  // For statements that give no rows: runs it and resets it.
  Result<void> run();
  void reset();

  int64_t number(int column) const;
  std::string text(int column) const;  // of text and blob columns
  bool is_null(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  Statement(Database* database, sqlite3_stmt* statement)
      : database_(database), statement_(statement) {}

  Database* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Database {
 public:
  enum class Sync {
    kNormal,
    kFull
  };  // of the WAL: kNormal survives a crash of ours, kFull one of the machine
  struct Options {
    Sync sync = Sync::kFull;
    // Refuses a second process on the same file, for as long as this one has it open.
    bool exclusive = true;
  };
  // A schema is a list of scripts: number N (from 1) brings version N - 1 to N. A file with a newer
  // version than the list knows is refused.
  static Result<std::unique_ptr<Database>> open(const std::string& path, Options options,
                                                std::span<const char* const> migrations);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Result<Statement> prepare(std::string_view sql);
  Result<void> execute(const char* sql);
  int64_t changes() const;  // rows that the last statement inserted, changed or removed

  // Runs the body in a transaction: committed if it succeeds, rolled back if not (or if the commit
  // fails).
  template <class Body>
  Result<void> transaction(Body&& body) {
    if (Result<void> begun = execute("BEGIN IMMEDIATE"); !begun) return begun;
    Result<void> done = body();
    if (done) done = execute("COMMIT");
    // The failure that matters is the one before.
    if (!done) std::ignore = execute("ROLLBACK");
    return done;
  }

  const std::string& path() const { return path_; }
  // The last failure as an error, with advice.
  Error error(std::string_view doing) const;

 private:
  Database(std::string path, sqlite3* handle) : path_(std::move(path)), handle_(handle) {}
  Result<void> configure(const Options& options);
  Result<void> migrate(std::span<const char* const> migrations);

  std::string path_;
  sqlite3* handle_;
};

}  // namespace souk::runtime
