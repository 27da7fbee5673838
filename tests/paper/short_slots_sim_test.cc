// §4.4 in the simulator, with fixed seeds.
#include <gtest/gtest.h>

#include <cmath>

#include "bench/paper/experiments.h"

namespace souk::paper {
namespace {

const Report& report() {
  static const Report made = short_slots({.jobs = 2, .quick = true});
  return made;
}

// A node of S slots has only long tasks with probability phi^S.
TEST(ShortSlots, NodesFullOfLongTasks) {
  for (const char* name : {"phi=0.5 S=2", "phi=0.5 S=4", "phi=0.8 S=4"}) {
    const double off = std::abs(report().at(name) - report().at(std::string(name) + " expected"));
    // Few runs: their error is not known well, so no less than a tenth.
    const double error = report().at(std::string(name) + " error");
    EXPECT_LE(off, std::max(3 * error, 0.1 * report().at(std::string(name) + " expected"))) << name;
  }
}

// Short jobs wait for a long task to end, unless slots are set aside for them.
TEST(ShortSlots, EndTheWaitBehindLongTasks) {
  for (const std::string where : {"a certain node", "any node"}) {
    const std::string with = where + ", with slots for short tasks";
    const std::string without = where + ", without slots for short tasks";
    EXPECT_EQ(report().at(with + " jobs"), 80) << "all were served";
    EXPECT_EQ(report().at(without + " jobs"), 80) << "all were served";
    EXPECT_LT(10 * report().at(with + " mean"), report().at(without + " mean")) << where;
  }
}

}  // namespace
}  // namespace souk::paper
