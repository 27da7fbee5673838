// A table of open files for one thread alone. Where the hard limit of open files is low and can't
// be raised, a process holds more connections than that by spreading them over such threads.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace souk::runtime {

// Descriptors that one table can hold here.
uint64_t open_files_limit();

// Gives the calling thread a table of its own: a copy of what is open now. From then on it must
// touch only descriptors that were open then and stay open, or that it has opened itself; other
// threads can't use its new ones either. So make the thread's Loop first (or no one could wake it),
// and let nobody close, meanwhile, what it is to go on using. Fails where the kernel refuses, and
// in builds with ThreadSanitizer, which takes equal numbers of different tables for one descriptor.
Result<void> own_file_table();

}  // namespace souk::runtime
