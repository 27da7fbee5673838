#include "runtime/out_buffer.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/check.h"

namespace souk::runtime {
namespace {

// Below this, copying costs less than one more piece in the system call.
constexpr std::size_t kSmall = 4096;
constexpr std::size_t kGathered = 64 << 10;
constexpr std::size_t kMaxPieces = 64;
// Readers of long buffers must not keep the thread from the others: less than 0.1 ms each.
constexpr std::size_t kMaxWriteAtOnce = 256 << 10;
// Room that an emptied buffer may keep.
constexpr std::size_t kKeptSegments = 4;

}  // namespace

bool OutBuffer::can_gather(std::size_t size) const {
  if (size > kSmall || first_ == segments_.size()) return false;
  const Segment& last = segments_.back();
  return !last.shared && last.own.size() + size <= kGathered;
}

void OutBuffer::append(std::string bytes) {
  if (bytes.empty()) return;
  size_ += bytes.size();
  if (can_gather(bytes.size())) {
    segments_.back().own.append(bytes);
  } else {
    segments_.push_back({.own = std::move(bytes), .shared = nullptr});
  }
}

void OutBuffer::append(SharedBytes bytes) {
  if (bytes == nullptr || bytes->empty()) return;
  if (can_gather(bytes->size())) return append_copy(*bytes);
  size_ += bytes->size();
  segments_.push_back({.own = {}, .shared = std::move(bytes)});
}

void OutBuffer::append_copy(std::string_view bytes) {
  if (bytes.empty()) return;
  if (!can_gather(bytes.size())) return append(std::string(bytes));
  size_ += bytes.size();
  segments_.back().own.append(bytes);
}

void OutBuffer::append(OutBuffer&& other) {
  SOUK_CHECK(other.offset_ == 0, "a buffer is moved only before it is written from");
  for (std::size_t i = other.first_; i < other.segments_.size(); ++i) {
    segments_.push_back(std::move(other.segments_[i]));
  }
  size_ += other.size_;
  other = OutBuffer();
}

OutBuffer::Written OutBuffer::write_to(int fd) {
  std::size_t budget = kMaxWriteAtOnce;
  while (size_ > 0) {
    std::array<iovec, kMaxPieces> pieces;
    std::size_t count = 0;
    std::size_t total = 0;
    for (std::size_t i = first_; i < segments_.size() && count < kMaxPieces && total < budget;
         ++i) {
      std::string_view view = segments_[i].view();
      if (i == first_) view.remove_prefix(offset_);
      view = view.substr(0, budget - total);
      pieces[count++] = {.iov_base = const_cast<char*>(view.data()), .iov_len = view.size()};
      total += view.size();
    }
    const msghdr message{.msg_iov = pieces.data(), .msg_iovlen = count};
    const ssize_t written = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN || errno == EWOULDBLOCK ? Written::kBlocked : Written::kFailed;
    }
    const auto bytes = static_cast<std::size_t>(written);
    consume(bytes);
    budget -= bytes;
    if (size_ > 0 && (bytes < total || budget == 0)) return Written::kBlocked;
  }
  return Written::kAll;
}

std::size_t OutBuffer::behind_first() const {
  return empty() ? 0 : size_ - (segments_[first_].view().size() - offset_);
}

void OutBuffer::consume(std::size_t bytes) {
  size_ -= bytes;
  while (bytes > 0) {
    Segment& segment = segments_[first_];
    const std::size_t left = segment.view().size() - offset_;
    if (bytes < left) {
      offset_ += bytes;
      return;
    }
    bytes -= left;
    offset_ = 0;
    segment = {};
    ++first_;
  }
  if (size_ > 0 && first_ < 1024) return;
  segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(first_));
  first_ = 0;
  if (segments_.empty() && segments_.capacity() > kKeptSegments) segments_.shrink_to_fit();
}

}  // namespace souk::runtime
