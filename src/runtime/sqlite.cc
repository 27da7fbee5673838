#include "runtime/sqlite.h"

#include <sqlite3.h>

namespace souk::runtime {
namespace {

constexpr int kBusyMilliseconds = 2000;

std::string_view advice_for(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return "free some space on that disk";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "another process has it open: stop that one, or use another work_dir";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "the file is damaged: restore it, or move it away to start anew";
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return "make the file and its directory writable";
    case SQLITE_CANTOPEN:
      return "check that the directory exists and is writable";
    case SQLITE_IOERR:
      return "the disk gives errors or is full";
    default:
      return {};
  }
}

}  // namespace

// --- statements

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Statement& Statement::bind(int index, int64_t number) {
  sqlite3_bind_int64(statement_.get(), index, number);
  return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
  sqlite3_bind_text64(statement_.get(), index, text.data() ? text.data() : "", text.size(),
                      SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind_blob(int index, std::string_view bytes) {
  sqlite3_bind_blob64(statement_.get(), index, bytes.data() ? bytes.data() : "", bytes.size(),
                      SQLITE_TRANSIENT);
  return *this;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return std::unexpected(database_->error("use"));
}

Result<void> Statement::run() {
  const Result<bool> stepped = step();
  reset();
  if (!stepped) return std::unexpected(stepped.error());
  return {};
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

int64_t Statement::number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string Statement::text(int column) const {
  const void* bytes = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

// --- the database

Result<std::unique_ptr<Database>> Database::open(const std::string& path, Options options,
                                                 std::span<const char* const> migrations) {
  sqlite3* handle = nullptr;
  constexpr int kFlags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(path.c_str(), &handle, kFlags, nullptr);
  // Even a failed open gives a handle that knows why, and that must be closed.
  std::unique_ptr<Database> database(new Database(path, handle));
  if (code != SQLITE_OK) return std::unexpected(database->error("open"));
  if (Result<void> done = database->configure(options); !done) {
    return std::unexpected(done.error());
  }
  if (Result<void> done = database->migrate(migrations); !done) {
    return std::unexpected(done.error());
  }
  return database;
}

Database::~Database() { sqlite3_close_v2(handle_); }

Result<void> Database::configure(const Options& options) {
  sqlite3_busy_timeout(handle_, options.exclusive ? 0 : kBusyMilliseconds);
  // The locking mode comes first: an exclusive connection keeps the WAL's index in its own memory.
  if (options.exclusive) {
    if (Result<void> done = execute("PRAGMA locking_mode = EXCLUSIVE"); !done) return done;
  }
  if (Result<void> done = execute("PRAGMA journal_mode = WAL"); !done) return done;
  const char* sync =
      options.sync == Sync::kFull ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL";
  if (Result<void> done = execute(sync); !done) return done;
  return execute("PRAGMA foreign_keys = ON");
}

Result<void> Database::migrate(std::span<const char* const> migrations) {
  return transaction([&]() -> Result<void> {
    Result<Statement> read = prepare("PRAGMA user_version");
    if (!read) return std::unexpected(read.error());
    if (const Result<bool> row = read->step(); !row) return std::unexpected(row.error());
    const auto version = static_cast<std::size_t>(read->number(0));
    read->reset();
    if (version > migrations.size()) {
      return fail(
          "{} was written by a newer souk (schema {}, this one knows up to {}): run that one",
          path_, version, migrations.size());
    }
    if (version == migrations.size()) return {};
    for (std::size_t i = version; i < migrations.size(); ++i) {
      if (Result<void> done = execute(migrations[i]); !done) return done;
    }
    return execute(fmt::format("PRAGMA user_version = {}", migrations.size()).c_str());
  });
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v2(handle_, sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  if (code != SQLITE_OK) return std::unexpected(error("use"));
  return Statement(this, statement);
}

Result<void> Database::execute(const char* sql) {
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return std::unexpected(error("use"));
}

int64_t Database::changes() const { return sqlite3_changes64(handle_); }

Error Database::error(std::string_view doing) const {
  const int code = sqlite3_extended_errcode(handle_);
  const std::string_view advice = advice_for(code);
  return Error{fmt::format("cannot {} {}: {}{}{}", doing, path_, sqlite3_errmsg(handle_),
                           advice.empty() ? "" : "; ", advice)};
}

}  // namespace souk::runtime
