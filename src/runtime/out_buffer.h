// Bytes waiting to be written to one socket: shared ones are not copied, small ones are gathered,
// and one system call takes as many as it can. Holds no memory while empty. Loop thread only.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/http_types.h"

namespace souk::runtime {

class OutBuffer {
 public:
  enum class Written { kAll, kBlocked, kFailed };

  void append(std::string bytes);
  void append(SharedBytes bytes);
  void append_copy(std::string_view bytes);
  void append(OutBuffer&& other);  // all that the other has not written

  // Writes until all is written, the socket would block, or kMaxWriteAtOnce is reached (kBlocked as
  // well: wait for it to be writable). After kFailed errno says why.
  Written write_to(int fd);

  std::size_t size() const { return size_; }
  // Without the piece that is being written, however long it is.
  std::size_t behind_first() const;
  bool empty() const { return size_ == 0; }

 private:
  struct Segment {
    std::string own;
    SharedBytes shared;  // if set, instead of own
    std::string_view view() const { return shared ? std::string_view(*shared) : own; }
  };
  bool can_gather(std::size_t size) const;
  void consume(std::size_t bytes);

  std::vector<Segment> segments_;
  std::size_t first_ = 0;   // segments before it are written
  std::size_t offset_ = 0;  // bytes of the first one that are written
  std::size_t size_ = 0;
};

}  // namespace souk::runtime
