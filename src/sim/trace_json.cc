#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <span>
#include <utility>

#include "base/text.h"
#include "sim/trace.h"
#include "wire/json_reader.h"

namespace souk::sim {
namespace {

using wire::JsonKind;

// Reads one value after another; after the first error every read fails.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text), in_(text) {}

  Result<Trace> read() {
    Trace trace;
    static constexpr std::string_view kKnown[] = {"cluster", "roles", "frameworks", "jobs"};
    object(kKnown, [&](std::string_view key) {
      if (key == "cluster") return cluster(trace.agents);
      if (key == "roles") return roles(trace.roles);
      if (key == "frameworks") return frameworks(trace.frameworks);
      return jobs(trace.jobs);
    });
    if (error_.empty() && !in_.finish()) wrong("");
    if (!error_.empty()) return fail("{}", error_);
    return trace;
  }

 private:
  using Known = std::span<const std::string_view>;

  // A step down, as long as it lives.
  class Place {
   public:
    Place(Reader& reader, const std::string& step) : path_(reader.path_), length_(path_.size()) {
      if (!path_.empty() && !step.starts_with('[')) path_ += '.';
      path_ += step;
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { path_.resize(length_); }

   private:
    std::string& path_;
    const std::size_t length_;
  };

  std::string line() {
    for (; counted_ < std::min(in_.at(), text_.size()); ++counted_) {
      if (text_[counted_] == '\n') ++line_;
    }
    return fmt::format("line {}", line_);
  }

  // Keeps the first. An error of the reader itself goes before `what`.
  bool wrong(std::string_view what) {
    if (!error_.empty()) return false;
    const std::string place = path_.empty() ? "" : quote_path() + ": ";
    if (in_.ok()) {
      error_ = fmt::format("{}: {}{}", line(), place, what);
    } else {
      error_ = fmt::format("{}: {}not JSON: {}", line(), place, in_.error());
    }
    return false;
  }

  // Keys come from outside.
  std::string quote_path() const {
    std::string text = quote(path_, 200);
    return text.substr(1, text.size() - 2);
  }

  bool expect(JsonKind kind) {
    if (!error_.empty()) return false;
    const JsonKind found = in_.peek();
    if (found == kind) return true;
    if (!in_.ok() || found == JsonKind::kNone) return wrong("a value is missing");
    return wrong(fmt::format("expected {}, not {}", describe(kind), describe(found)));
  }

  // Calls `field` for the value of each key. "comment" may stand everywhere.
  template <class Field>
  bool object(Known known, const Field& field) {
    return members([&](const std::string& key) {
      if (key == "comment") return comment();
      if (std::ranges::find(known, key) == known.end()) return unknown(key, known);
      return field(key);
    });
  }

  bool comment() {
    std::string ignored;
    return text(ignored);
  }

  template <class Member>
  bool members(const Member& member) {
    if (!expect(JsonKind::kObject)) return false;
    in_.enter_object();
    std::set<std::string> seen;
    std::string key;
    for (bool first = true; in_.next_key(first, key);) {
      const Place place(*this, key);
      if (!seen.insert(key).second) return wrong("is there twice");
      if (!member(key)) return wrong("is wrong");
    }
    return in_.ok() || wrong("");
  }

  bool unknown(std::string_view key, Known known) {
    const auto near = nearest_match(key, known);
    const std::string hint = near ? fmt::format("did you mean {}?", *near)
                                  : fmt::format("known are {}", fmt::join(known, ", "));
    return wrong(fmt::format("not known here: {}", hint));
  }

  // Calls `element` for each, at most so many.
  template <class Element>
  bool array(std::size_t most, const Element& element) {
    if (!expect(JsonKind::kArray)) return false;
    in_.enter_array();
    std::size_t number = 0;
    for (bool first = true; in_.next_element(first); ++number) {
      if (number == most) return wrong(fmt::format("more than {}", most));
      const Place place(*this, fmt::format("[{}]", number));
      if (!element()) return wrong("is wrong");
    }
    return in_.ok() || wrong("");
  }

  // --- values

  bool text(std::string& to) {
    return expect(JsonKind::kString) && (in_.read_string(to) || wrong(""));
  }

  bool flag(bool& to) {
    const JsonKind kind = in_.peek();
    if (kind != JsonKind::kTrue && kind != JsonKind::kFalse) return expect(JsonKind::kTrue);
    to = kind == JsonKind::kTrue;
    return in_.skip_value() || wrong("");
  }

  template <class Whole>
  bool whole(Whole& to, Whole least, Whole most) {
    if (!expect(JsonKind::kNumber)) return false;
    const std::string_view digits = in_.read_number();
    Whole value = 0;
    const char* const end = digits.data() + digits.size();
    const auto [rest, error] = std::from_chars(digits.data(), end, value);
    if (error != std::errc() || rest != end || value < least || value > most) {
      return wrong(
          fmt::format("{} is not a whole number from {} to {}", quote(digits), least, most));
    }
    to = value;
    return true;
  }

  // A string, or (of times, where seconds are meant) a number, by `parse`.
  template <class T, class Parse>
  bool parsed(T& to, const Parse& parse, bool or_number = false) {
    std::string words;
    if (or_number && error_.empty() && in_.peek() == JsonKind::kNumber) {
      words = in_.read_number();
    } else if (!text(words)) {
      return false;
    }
    auto value = parse(words);
    if (!value) return wrong(value.error().message);
    to = std::move(*value);
    return true;
  }
  template <class T>
  bool time(T& to) {
    return parsed(to, parse_trace_time, true);
  }

  bool weight(std::optional<Scalar>& to) {
    if (!expect(JsonKind::kNumber)) return false;
    const std::string_view digits = in_.read_number();
    double value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    const auto scalar = Scalar::from_double(value);
    if (!scalar || scalar->thousandths == 0) {
      return wrong(fmt::format("{} is no weight: from 0.001 on", quote(digits)));
    }
    to = *scalar;
    return true;
  }

  // --- the parts of a trace

  bool cluster(std::vector<TraceAgents>& agents) {
    static constexpr std::string_view kKnown[] = {"agents"};
    return object(kKnown, [&](std::string_view) {
      return array(kMaxTraceGroups, [&] { return group(agents.emplace_back()); });
    });
  }

  bool group(TraceAgents& to) {
    static constexpr std::string_view kKnown[] = {"count", "resources", "attributes", "hostname"};
    return object(kKnown, [&](std::string_view key) {
      if (key == "count") return whole(to.count, uint64_t{1}, kMaxTraceAgents);
      if (key == "resources") return parsed(to.resources, Resources::parse);
      if (key == "attributes") return parsed(to.attributes, parse_attributes);
      return text(to.hostname);
    });
  }

  bool roles(std::vector<TraceRole>& to) {
    return members([&](const std::string& key) {
      if (to.size() == kMaxTraceRoles) {
        return wrong(fmt::format("more than {} roles", kMaxTraceRoles));
      }
      to.push_back({.name = key});
      return role(to.back());
    });
  }

  bool role(TraceRole& to) {
    static constexpr std::string_view kKnown[] = {"weight", "priority", "guarantee", "limit"};
    return object(kKnown, [&](std::string_view key) {
      if (key == "weight") return weight(to.weight);
      if (key == "priority") {
        int64_t level = 0;
        if (!whole(level, int64_t{-1'000'000}, int64_t{1'000'000})) return false;
        to.priority = level;
        return true;
      }
      return parsed(key == "limit" ? to.quota.limits : to.quota.guarantees, parse_quota_amounts);
    });
  }

  bool frameworks(std::vector<TraceFramework>& to) {
    return array(kMaxTraceFrameworks, [&] { return framework(to.emplace_back()); });
  }

  bool framework(TraceFramework& to) {
    static constexpr std::string_view kKnown[] = {"name",        "role",   "order",        "rigid",
                                                  "max_running", "refuse", "locality_wait"};
    return object(kKnown, [&](std::string_view key) {
      if (key == "name") return text(to.name);
      if (key == "role") return text(to.role);
      if (key == "order") return parsed(to.order, parse_order);
      if (key == "rigid") return flag(to.rigid);
      if (key == "refuse") return time(to.refuse);
      if (key == "locality_wait") return time(to.locality_wait);
      uint64_t most = 0;
      if (!whole(most, uint64_t{1}, kMaxTraceTasks)) return false;
      to.max_running = most;
      return true;
    });
  }

  static Result<workloads::JobOrder> parse_order(std::string_view text) {
    if (text == "fifo") return workloads::JobOrder::kFifo;
    if (text == "fair") return workloads::JobOrder::kFair;
    return fail("{} is no order of jobs: fifo or fair", quote(text));
  }

  bool jobs(std::vector<TraceJob>& to) {
    return array(kMaxTraceJobs, [&] { return job(to); });
  }

  struct Repeat {
    uint64_t times = 1;
    Duration every{0};
  };

  // One, or as many as its `repeat` says.
  bool job(std::vector<TraceJob>& to) {
    TraceJob job;
    TraceStage only;
    Repeat repeat;
    std::string short_form;  // a key of the only stage
    expect(JsonKind::kObject);
    job.where = fmt::format("{}: {}", line(), path_);
    static constexpr std::string_view kKnown[] = {
        "name", "framework", "arrival", "repeat", "stages", "tasks", "duration", "demand", "hosts"};
    const bool sound = object(kKnown, [&](std::string_view key) {
      if (key == "name") return text(job.name);
      if (key == "framework") return text(job.framework);
      if (key == "arrival") return time(job.arrival);
      if (key == "repeat") return this->repeat(repeat);
      if (key == "stages") {
        return array(kMaxTraceStages, [&] { return stage(job.stages.emplace_back()); });
      }
      short_form = key;
      return stage_field(only, key);
    });
    if (!sound) return false;
    if (!short_form.empty() && !job.stages.empty()) {
      return wrong(fmt::format("say either stages or {}, not both", short_form));
    }
    if (job.stages.empty()) job.stages.push_back(std::move(only));
    return unroll(std::move(job), repeat, to);
  }

  bool unroll(TraceJob job, const Repeat& repeat, std::vector<TraceJob>& to) {
    if (repeat.times > 1 && repeat.every > kMaxTraceTime / static_cast<int64_t>(repeat.times)) {
      return wrong(fmt::format("repeat: the last would arrive after more than {}",
                               format_duration(kMaxTraceTime)));
    }
    if (to.size() + repeat.times > kMaxTraceJobs) {
      return wrong(fmt::format("more than {} jobs", kMaxTraceJobs));
    }
    uint64_t parts = 0;
    for (const TraceStage& stage : job.stages) {
      parts += 1 + stage.hosts.size() + stage.lengths.values.size();
    }
    parts_ += repeat.times * parts;
    if (parts_ > kMaxTraceParts) {
      return wrong(fmt::format("more than {} stages, hosts and lengths in all jobs together",
                               kMaxTraceParts));
    }
    for (uint64_t i = 0; i < repeat.times; ++i) {
      TraceJob& copy = to.emplace_back(job);
      copy.arrival += static_cast<int64_t>(i) * repeat.every;
      if (repeat.times > 1 && !job.name.empty()) copy.name = fmt::format("{}-{}", job.name, i + 1);
    }
    return true;
  }

  bool repeat(Repeat& to) {
    static constexpr std::string_view kKnown[] = {"times", "every"};
    return object(kKnown, [&](std::string_view key) {
      return key == "every" ? time(to.every)
                            : whole(to.times, uint64_t{1}, uint64_t{kMaxTraceJobs});
    });
  }

  bool stage(TraceStage& to) {
    static constexpr std::string_view kKnown[] = {"tasks", "duration", "demand", "hosts"};
    return object(kKnown, [&](std::string_view key) { return stage_field(to, key); });
  }

  bool stage_field(TraceStage& to, std::string_view key) {
    if (key == "tasks") return whole(to.tasks, uint64_t{1}, kMaxTraceTasks);
    if (key == "duration") return parsed(to.lengths, parse_lengths, true);
    if (key == "demand") return parsed(to.demand, Resources::parse);
    return array(kMaxTraceHosts, [&] { return text(to.hosts.emplace_back()); });
  }

  std::string_view text_;
  wire::JsonReader in_;
  std::string path_;
  std::string error_;
  std::size_t counted_ = 0;  // bytes, of which the lines
  std::size_t line_ = 1;
  uint64_t parts_ = 0;
};

}  // namespace

Result<Trace> parse_trace_json(std::string_view text) {
  if (text.size() > kMaxTraceBytes) return fail("larger than {}", human_bytes(kMaxTraceBytes));
  return Reader(text).read();
}

}  // namespace souk::sim
