// §6.3: delay scheduling, in the simulator with the real master; a quarter of each file.
// docs/paper/locality.md has the whole.
#include <gtest/gtest.h>

#include "bench/paper/experiments.h"

namespace souk::paper {
namespace {

const Report& quick() {
  static const Report report = locality({.seed = 1, .quick = true});
  return report;
}

TEST(Locality, AllJobsEnd) { EXPECT_EQ(quick().at("all done"), 1); }

// A block has a copy on one of 5 or 6 nodes of 93 with 1 - (1 - 5.8/93)^3.
TEST(Locality, OnAPartIsTheChanceThatABlockIsThere) {
  EXPECT_NEAR(quick().at("static local"), 17.6, 3);
}

TEST(Locality, RisesWithTheDelay) {
  EXPECT_GT(quick().at("no delay local"), quick().at("static local") + 20);
  EXPECT_GT(quick().at("1 s local"), quick().at("no delay local"));
  EXPECT_GT(quick().at("1 s local"), 90);
  EXPECT_GE(quick().at("5 s local"), 95);
}

TEST(Locality, MakesJobsFaster) {
  EXPECT_LT(quick().at("no delay time"), quick().at("static time"));
  EXPECT_LT(quick().at("1 s time"), quick().at("no delay time"));
  EXPECT_LT(quick().at("5 s time"), 0.7 * quick().at("static time"));
}

// Where all have exactly the same number of slots, a freed one goes back to whoever freed it: only
// waiting takes a job anywhere else.
TEST(Locality, SlotsStickWithoutDelay) {
  EXPECT_GT(quick().at("92 nodes, slot by slot, 1 s local"), 90);
  EXPECT_LT(quick().at("92 nodes, slot by slot local"),
            quick().at("92 nodes, slot by slot, 1 s local") - 15);
}

}  // namespace
}  // namespace souk::paper
