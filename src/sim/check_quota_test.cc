#include "sim/check_quota.h"

#include <gtest/gtest.h>

#include "sim/check_conservation.h"
#include "sim/check_test_support.h"

namespace souk::sim {
namespace {

struct Watched : Feigned {
  Watched() : conservation(world), checker(world, conservation.books()) {
    watched_by(conservation);
    leads();
    subscribes("f", 1, "eng/ui");
    subscribes("g", 2, "ops");
    registers("a", 10, "cpus:4;mem:1024");
    registers("b", 11, "cpus:4;mem:1024");
  }
  // The master stores a quota of this role.
  void sets(const std::string& role, const Quota& quota) {
    ++last_ticket;
    says(master::OperatorCalled{},
         {master::Persist{last_ticket, protocol::registry::SetQuotas{{{role, quota}}}}});
    says(master::Persisted{last_ticket, true, {}}, {});
  }
  void expect_ring(std::string_view text) const {
    const std::string said = checker.violation().value_or("silence");
    EXPECT_NE(said.find(text), std::string::npos) << said;
  }
  void expect_silence() const { EXPECT_EQ(checker.violation().value_or(""), ""); }
  ConservationChecker conservation;
  QuotaChecker checker;
  protocol::Ticket last_ticket = 0;
};

TEST(QuotaChecker, TakesGrantsUpToALimit) {
  Watched w;
  w.sets("eng", {.limits = {{"cpus", Scalar{2'000}}}});
  w.says(master::BatchEnded{}, {w.offers(1, "f", "o1", "a", "cpus:2;mem:1024", "eng/ui"),
                                w.offers(2, "g", "o2", "b", "cpus:4", "ops")});
  w.expect_silence();
  w.declines("f", "o1");
  w.says(master::BatchEnded{}, {w.offers(1, "f", "o3", "a", "cpus:2", "eng/ui")});
  w.expect_silence();
}

TEST(QuotaChecker, RingsAtAGrantAboveALimit) {
  Watched w;
  w.sets("eng", {.limits = {{"cpus", Scalar{2'000}}}});
  w.says(master::BatchEnded{}, {w.offers(1, "f", "o1", "a", "cpus:2", "eng/ui")});
  w.accepts("f", {"o1"}, {w.runs(10, "f", "t", "cpus:1.5", "eng/ui")});
  w.says(master::BatchEnded{}, {w.offers(1, "f", "o2", "b", "cpus:1", "eng/ui")});
  w.expect_ring("role 'eng' was offered cpus and has 2.5 of it now, above its limit of 2");
}

TEST(QuotaChecker, ALimitMayBeLoweredBelowWhatARoleHas) {
  Watched w;
  w.says(master::BatchEnded{}, {w.offers(1, "f", "o1", "a", "cpus:4", "eng/ui")});
  w.accepts("f", {"o1"}, {w.runs(10, "f", "t", "cpus:3", "eng/ui")});
  w.sets("eng", {.limits = {{"cpus", Scalar{1'000}}}});
  // Of something else, or to somebody else.
  w.says(master::BatchEnded{}, {w.offers(1, "f", "o2", "a", "mem:1024", "eng/ui"),
                                w.offers(2, "g", "o3", "b", "cpus:4", "ops")});
  w.expect_silence();
}

TEST(QuotaChecker, RingsAtAGuaranteeThatIsFreeAndNotGiven) {
  Watched w;
  w.sets("eng", {.guarantees = {{"cpus", Scalar{2'000}}}});
  w.says(master::BatchEnded{}, {w.offers(2, "g", "o1", "a", "cpus:4;mem:1024", "ops")});
  w.expect_ring("role 'eng' lacks cpus that is guaranteed to it, and agent b has it free");
}

TEST(QuotaChecker, AGuaranteeIsOnlyForWhoWantsItNow) {
  Watched w;
  w.sets("eng", {.guarantees = {{"cpus", Scalar{2'000}}}});
  w.says(master::TimerFired{}, {});  // decides nothing
  w.expect_silence();
  w.says(master::BatchEnded{}, {w.offers(1, "f", "o1", "a", "cpus:4;mem:1024", "eng/ui"),
                                w.offers(2, "g", "o2", "b", "cpus:4;mem:1024", "ops")});
  w.declines("f", "o1", 10s);
  w.says(master::BatchEnded{}, {});
  w.expect_silence();
  w.calls("f", protocol::call::Suppress{}, {});
  w.declines("g", "o2");
  w.says(master::BatchEnded{}, {});
  w.expect_silence();
}

}  // namespace
}  // namespace souk::sim
