#include "runtime/file_table.h"

#include <sched.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>

namespace souk::runtime {

uint64_t open_files_limit() {
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 1024;
}

Result<void> own_file_table() {
#ifdef __SANITIZE_THREAD__
  return fail("not in builds with ThreadSanitizer");
#else
  if (unshare(CLONE_FILES) == 0) return {};
  return fail("{}", std::strerror(errno));
#endif
}

}  // namespace souk::runtime
