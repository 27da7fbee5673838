// Checks for bugs: always on, in every build. A failed check means that this program is wrong,
// never that its input is; input from outside must be refused before it can reach one.
#pragma once

#include <string_view>

namespace souk {

// Called with the failed condition and its place before the process aborts, so that the runtime can
// write down the machine's last events. Must not return to normal work; may be null.
using CheckHook = void (*)(std::string_view what);
void set_check_hook(CheckHook hook);

[[noreturn]] void check_failed(const char* condition, const char* file, int line,
                               std::string_view why);

}  // namespace souk

#define SOUK_CHECK(condition, why)                                 \
  do {                                                             \
    if (!(condition)) [[unlikely]]                                 \
      ::souk::check_failed(#condition, __FILE__, __LINE__, (why)); \
  } while (false)
