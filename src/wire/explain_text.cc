#include "wire/explain_text.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "base/text.h"
#include "model/quota.h"

namespace souk::wire {
namespace {

using protocol::ExplainedAgent;
using protocol::ExplainView;
using protocol::HolderView;
using protocol::ShareView;
using protocol::TakenView;

// Of one bag in a sentence; fragmented ports may have thousands of ranges.
constexpr std::size_t kMaxAmountsText = 160;
constexpr int64_t kWhole = 1'000'000;

std::string plain(std::string text) {
  std::ranges::replace_if(text, is_control, '?');
  return text;
}

// REQUIRES that it begins with a small letter.
std::string capital(std::string text) {
  text.front() = static_cast<char>(text.front() - 'a' + 'A');
  return text;
}

std::string amounts(const Resources& resources) {
  std::string text = resources.to_string();
  if (text.size() > kMaxAmountsText) text = text.substr(0, kMaxAmountsText) + "...";
  return text;
}

std::string number(Scalar amount) { return fmt::format("{}", amount.to_double()); }

// "a", "a and b", "a, b and c"
std::string listed(const std::vector<std::string>& items) {
  std::string text;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) text += i + 1 == items.size() ? " and " : ", ";
    text += items[i];
  }
  return text;
}

std::string count_of(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

// "40 s", "16 min 40 s", "2 h 5 min", "3 days 4 h": two units, so that what is short is exact.
std::string length_of(Duration length) {
  const int64_t seconds = std::chrono::ceil<std::chrono::seconds>(length).count();
  const auto two = [&](int64_t unit, std::string_view large, int64_t rest, std::string_view small) {
    const int64_t left = seconds % unit / rest;
    const std::string first = fmt::format("{} {}", seconds / unit, large);
    return left == 0 ? first : fmt::format("{} {} {}", first, left, small);
  };
  if (seconds < 60) return fmt::format("{} s", std::max<int64_t>(seconds, 0));
  if (seconds < 3600) return two(60, "min", 1, "s");
  if (seconds < 86'400) return two(3600, "h", 60, "min");
  return two(86'400, seconds < 2 * 86'400 ? "day" : "days", 3600, "h");
}

// "12:03:05 UTC"; of another day with its date.
std::string moment(WallTime at, WallTime now) {
  const std::string text = format_rfc3339(at);
  const std::string time = text.substr(11, 8) + " UTC";
  const bool today = text.substr(0, 10) == format_rfc3339(now).substr(0, 10);
  return today ? time : fmt::format("{} {}", text.substr(0, 10), time);
}

std::string name_of(const ShareView& share) {
  return share.name.empty() ? fmt::format("framework {}", share.framework)
                            : fmt::format("framework {}", quote(share.name));
}

std::string holder(const ExplainView& view, const HolderView& holder) {
  std::string name = "this framework itself";
  if (holder.framework != view.share.framework) {
    name = holder.name.empty() ? holder.framework.value : quote(holder.name);
  }
  return holder.offer.empty() ? name : fmt::format("{} ({})", name, holder.offer);
}

// "3.5 of 4 cpus and 100 of 200 mem": of the scalars, those of which there is something.
std::string parts_of(const Resources& part, const Resources& total) {
  std::vector<std::string> parts;
  const Quantities all = quantities_of(total);
  for (const auto& [name, amount] : quantities_of(part)) {
    const Scalar* whole = find_amount(all, name);
    parts.push_back(whole == nullptr
                        ? fmt::format("{} {}", number(amount), name)
                        : fmt::format("{} of {} {}", number(amount), number(*whole), name));
  }
  return parts.empty() ? amounts(part) : listed(parts);
}

// Those who are named, and how many there are besides.
std::string holders(const ExplainView& view, const TakenView& taken, bool offers) {
  std::vector<std::string> names;
  for (const HolderView& each : taken.holders) {
    if (each.offer.empty() != offers) names.push_back(holder(view, each));
  }
  const std::size_t all = offers ? taken.offers : taken.users;
  if (all > names.size()) names.push_back(fmt::format("{} more", all - names.size()));
  return listed(names);
}

// "in use: ...; in open offers: ..."; empty if nobody holds anything.
std::string taken(const ExplainView& view, const ExplainedAgent& row) {
  if (!row.taken) return {};
  const TakenView& taken = *row.taken;
  std::vector<std::string> parts;
  if (!taken.used.empty()) {
    parts.push_back(fmt::format("in use: {} (by {})", parts_of(taken.used, taken.total),
                                holders(view, taken, false)));
  }
  if (!taken.offered.empty()) {
    parts.push_back(fmt::format("in open offers: {} (to {}), whose turn came first",
                                parts_of(taken.offered, taken.total), holders(view, taken, true)));
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

std::string refused(const ExplainView& view, const ExplainedAgent& row, const std::string& who) {
  std::string text =
      row.refused_offer.empty()
          ? fmt::format("{} refused it", who)
          : fmt::format("{} refused it in its answer to offer {}", who, row.refused_offer);
  if (row.until) {
    text += fmt::format(", which holds until {} (for {}) or until it sends REVIVE",
                        moment(*row.until, view.now), length_of(*row.until - view.now));
  }
  return text;
}

std::string with_detail(std::string text, const std::string& detail) {
  return detail.empty() ? text : fmt::format("{} ({})", text, detail);
}

// The part of the sentence behind what is free there.
std::string reason(const ExplainView& view, const ExplainedAgent& row, const std::string& who) {
  switch (row.obstacle) {
    case Obstacle::kNone:
      return fmt::format("{} is offered {} with the next decision", who, amounts(row.offerable));
    case Obstacle::kInactiveFramework:
      return view.recovered
                 ? fmt::format("{} has not subscribed with this master since that started", who)
                 : fmt::format("{} is not connected: it is offered more when it subscribes", who);
    case Obstacle::kSuppressed:
      return fmt::format("{} asked for no offers by SUPPRESS; a REVIVE call brings them back", who);
    case Obstacle::kInactiveAgent:
      return row.connected
                 ? "the agent is not to be used at the moment, as it is being drained"
                 : "the agent is not connected: it is offered again when it registers again";
    case Obstacle::kShortSlots:
      return fmt::format(
          "{} did not ask for slots for short tasks: its label souk.short_slots "
          "with the value true does",
          who);
    case Obstacle::kGpus:
      return fmt::format(
          "the agent has GPUs, and {} lacks the capability GPU_RESOURCES "
          "(--filter_gpu_resources=false on the master lifts this)",
          who);
    case Obstacle::kRegion:
      return fmt::format(
          "the agent is in region {}, the master in {}, and {} lacks the capability "
          "REGION_AWARE",
          quote(row.region), quote(view.master_region), who);
    case Obstacle::kConstraint:
      return with_detail(fmt::format("the offer constraints of {} exclude this agent", who),
                         row.detail);
    case Obstacle::kReserved:
      return with_detail(fmt::format("all of it is reserved for roles that {} does not have", who),
                         row.detail);
    case Obstacle::kRevocable:
      return fmt::format("the rest is revocable, and {} lacks the capability REVOCABLE_RESOURCES",
                         who);
    case Obstacle::kShared:
      return fmt::format("the rest is shared, and {} lacks the capability SHARED_RESOURCES", who);
    case Obstacle::kLimit:
      return fmt::format(
          "{} would exceed the quota limit of role {}: raise it with UPDATE_QUOTA, "
          "or let tasks of that role end",
          who, row.detail.empty() ? row.role : row.detail);
    case Obstacle::kHeadroom:
      return fmt::format("it is held back from {} for the quota guarantees of other roles", who);
    case Obstacle::kBelowMinimum: {
      const std::string held = taken(view, row);
      const std::string text = with_detail(
          fmt::format("what {} could have of it is below the minimum size of an offer", who),
          row.detail);
      return held.empty() ? text : fmt::format("{}; {}", text, held);
    }
    case Obstacle::kRefused:
      return refused(view, row, who);
    case Obstacle::kOffered:
    case Obstacle::kTaken:
      break;  // sentences of their own
  }
  return std::string(meaning_of(row.obstacle));
}

std::string offers_sentence(const ExplainView& view) {
  std::string text = view.last_offer ? fmt::format("Its last offer was made {} ago, at {}",
                                                   length_of(view.now - *view.last_offer),
                                                   moment(*view.last_offer, view.now))
                                     : "This master has not made it an offer yet";
  if (view.open_offers > 0) {
    text += fmt::format("; it has {} to answer, of {} in all",
                        count_of(view.open_offers, "open offer"), to_string(view.share.offered));
  }
  return text + ".";
}

std::string percent(int64_t part, int64_t whole) {
  return fmt::format("{:.1f}%", 100 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string share_sentence(const ShareView& share) {
  std::string text = "It holds nothing";
  double held = 0;
  if (!share.dominant.empty() && share.total > 0) {
    held = static_cast<double>(share.used) / static_cast<double>(share.total);
    text = fmt::format("It holds {} of {} {} ({}, the resource of which it holds most)",
                       number({share.used}), number({share.total}), share.dominant,
                       percent(share.used, share.total));
  }
  if (share.fair_millionths == 0) return text + ".";
  const double fair = static_cast<double>(share.fair_millionths) / kWhole;
  const std::string_view against = held < fair ? "below" : held > fair ? "above" : "just";
  return fmt::format("{}, {} its fair share of {}.", text, against,
                     percent(share.fair_millionths, kWhole));
}

std::string guarantee_sentence(const ShareView& share) {
  if (share.guaranteed.empty()) return "Nothing is guaranteed to it.";
  Quantities missing;
  for (const auto& [name, amount] : share.guaranteed) {
    const Scalar held = amount_of(share.held, name);
    if (held < amount) missing.emplace_back(name, Scalar{amount.thousandths - held.thousandths});
  }
  return missing.empty()
             ? fmt::format("It has all that is guaranteed to it: {}.", to_string(share.guaranteed))
             : fmt::format("Of what is guaranteed to it, {}, it lacks {}.",
                           to_string(share.guaranteed), to_string(missing));
}

std::string presence_sentence(const ExplainView& view) {
  const ShareView& share = view.share;
  std::string text = fmt::format("{} ({}), {} {}, ", name_of(share), share.framework,
                                 share.roles.size() == 1 ? "role" : "roles", listed(share.roles));
  text = capital(std::move(text));
  if (view.connected) return text + "is connected.";
  return text + (view.recovered ? "is known from agents only: it gets offers once it subscribes."
                                : "is not connected: it gets offers again once it subscribes.");
}

}  // namespace

std::string_view meaning_of(Obstacle obstacle) {
  static constexpr std::array<std::string_view, kObstacles> kMeanings = {
      "nothing stands in the way: it is offered with the next decision",
      "all that it could have there is in its own open offers",
      "the framework is not connected",
      "the framework asked for no offers in this role",
      "the agent is not connected, or is being drained",
      "slots for short tasks, which the framework did not ask for",
      "the agent has GPUs, and the framework lacks GPU_RESOURCES",
      "the agent is in another region, and the framework lacks REGION_AWARE",
      "the framework's own offer constraints exclude the agent",
      "nothing is free there: it is in use, or in open offers",
      "all that is free there is reserved for other roles",
      "what is free is revocable, and the framework lacks REVOCABLE_RESOURCES",
      "what is free is shared, and the framework lacks SHARED_RESOURCES",
      "what is free is above the quota limit of its role",
      "what is free is held back for the guarantees of other roles",
      "what is free is less than the minimum size of an offer",
      "the framework refused it, and that still holds"};
  return kMeanings.at(static_cast<std::size_t>(obstacle));
}

std::string sentence_of(const ExplainView& view, const ExplainedAgent& row) {
  std::string agent = fmt::format("{} ({})", row.hostname, row.agent);
  agent = row.short_slot_limit ? fmt::format("the slots of agent {} for tasks of at most {}", agent,
                                             length_of(*row.short_slot_limit))
                               : "agent " + agent;
  std::string who = name_of(view.share);
  if (view.share.roles.size() > 1) who += fmt::format(" in role {}", row.role);
  std::string text;
  if (row.obstacle == Obstacle::kTaken) {
    const std::string held = taken(view, row);
    text = held.empty() ? fmt::format("nothing is free on {}: it has nothing to offer", agent)
                        : fmt::format("nothing is free on {}; {}", agent, held);
  } else if (row.obstacle == Obstacle::kOffered) {
    std::vector<std::string> ids;
    for (const OfferId& id : row.open_offers) ids.push_back(id.value);
    text = fmt::format(
        "all that {} could have of {} is in its own open offer{}{}: it may accept "
        "or decline",
        who, agent,
        ids.empty()       ? "s"
        : ids.size() == 1 ? " "
                          : "s ",
        listed(ids));
  } else {
    const bool slots = row.short_slot_limit.has_value();
    text = fmt::format("{} {} {} free; {}", agent, slots ? "have" : "has",
                       row.free.empty() ? "nothing" : amounts(row.free), reason(view, row, who));
  }
  return capital(plain(std::move(text))) + ".";
}

std::vector<std::string> summary_of(const ExplainView& view) {
  std::vector<std::string> all;
  all.push_back(presence_sentence(view));
  if (!view.suppressed_roles.empty()) {
    all.push_back(fmt::format(
        "It asked for no offers in {} {} (SUPPRESS): a REVIVE call brings "
        "them back.",
        view.suppressed_roles.size() == 1 ? "role" : "roles", listed(view.suppressed_roles)));
  }
  all.push_back(offers_sentence(view));
  all.push_back(share_sentence(view.share));
  all.push_back(guarantee_sentence(view.share));
  if (view.pairs == 0) all.emplace_back("There are no agents.");
  for (std::string& text : all) text = plain(std::move(text));
  return all;
}

}  // namespace souk::wire
