#include "base/fifo.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>

#include "base/rng.h"

namespace souk {
namespace {

TEST(Fifo, GivesInOrderWhatWasPutIn) {
  Fifo<int> fifo;
  EXPECT_TRUE(fifo.empty());
  for (int i = 0; i < 5; ++i) fifo.push_back(i);
  EXPECT_EQ(fifo.size(), 5u);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(fifo.front(), i);
    fifo.pop_front();
  }
  EXPECT_TRUE(fifo.empty());
}

// Against a std::deque, through many mixes of the two ends and of erasing in the middle.
TEST(Fifo, DoesWhatADequeDoes) {
  Rng rng(1);
  Fifo<int> fifo;
  std::deque<int> deque;
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t what = rng.below(10);
    // Now growing, now shrinking.
    const bool grows = (i / 500) % 2 == 0;
    if (what == 0) {
      const int rest = static_cast<int>(rng.below(7));
      const auto unwanted = [rest](int n) { return n % 7 == rest; };
      EXPECT_EQ(erase_if(fifo, unwanted), std::erase_if(deque, unwanted));
    } else if (grows ? what < 7 : what < 4) {
      fifo.push_back(i);
      deque.push_back(i);
    } else if (!deque.empty()) {
      fifo.pop_front();
      deque.pop_front();
    }
    ASSERT_EQ(fifo.size(), deque.size());
    ASSERT_TRUE(std::ranges::equal(fifo, deque));
    if (deque.empty()) continue;
    ASSERT_EQ(fifo.front(), deque.front());
    ASSERT_EQ(fifo[deque.size() - 1], deque.back());
  }
}

TEST(Fifo, KeepsNothingOfWhatIsGone) {
  const auto value = std::make_shared<int>(7);
  Fifo<std::shared_ptr<int>> fifo;
  for (int i = 0; i < 100; ++i) fifo.push_back(value);
  for (int i = 0; i < 60; ++i) fifo.pop_front();
  // As many as are left may wait for their end.
  EXPECT_LE(value.use_count(), 1 + 2 * 40);
  for (int i = 0; i < 40; ++i) fifo.pop_front();
  EXPECT_EQ(value.use_count(), 1);
}

}  // namespace
}  // namespace souk
