#include "base/check.h"

#include <fmt/format.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace souk {
namespace {
std::atomic<CheckHook> check_hook{nullptr};
}  // namespace

void set_check_hook(CheckHook hook) { check_hook.store(hook); }

void check_failed(const char* condition, const char* file, int line, std::string_view why) {
  const std::string what = fmt::format("{}:{}: check failed: {}: {}", file, line, condition, why);
  std::fputs(what.c_str(), stderr);
  std::fputc('\n', stderr);
  // A hook that itself fails a check must not recurse.
  if (const CheckHook hook = check_hook.exchange(nullptr)) hook(what);
  std::abort();
}

}  // namespace souk
