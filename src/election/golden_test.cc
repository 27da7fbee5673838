// Golden scripts: testdata/*.txt. A line that begins with "> " is an event; what follows it, up to
// the next one, are the effects that it has, less timers. Answers are to the latest request.
// SOUK_REWRITE_GOLDEN=1 in the environment writes the effects anew: read the difference before you
// keep it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <variant>

#include "election/test_support.h"
#include "election/test_transcript.h"

namespace souk::election {
namespace {

using Words = std::vector<std::string>;

// Interprets the lines of one script.
class Script {
 public:
  std::string play(const std::string& line) {
    std::istringstream in(line.substr(2));
    Words words;
    for (std::string word; in >> word;) words.push_back(word);
    if (words.empty()) return kNotUnderstood;
    // candidate DATA | observer
    if (words[0] == "candidate" && words.size() == 2) {
      bench_.emplace<Bench<Candidate>>(Candidate(Options{}, words[1], Rng(1)));
      return "";
    }
    if (words[0] == "observer") {
      bench_.emplace<Bench<Observer>>(Observer(Options{}, Rng(1)));
      return "";
    }
    if (auto* bench = std::get_if<Bench<Candidate>>(&bench_)) return play(*bench, words);
    if (auto* bench = std::get_if<Bench<Observer>>(&bench_)) return play(*bench, words);
    return kNotUnderstood;
  }

 private:
  static constexpr const char* kNotUnderstood = "  ? not understood\n";

  // start | stop | opened | suspended [AGO] | resumed | expired | created NAME EPOCH |
  // create-failed | listed NAME... | list-failed | changed | read [DATA] | read-failed | pass TIME
  template <class M>
  static std::string play(Bench<M>& bench, const Words& w) {
    const auto time = [&w]() { return w.size() > 1 ? parse_duration(w[1]).value_or(0s) : 0s; };
    const std::string why = "connection lost";
    if (w[0] == "start") return text(bench.step(Started{}));
    if (w[0] == "stop") return text(bench.step(StopAsked{}));
    if (w[0] == "opened") return text(bench.open());
    if (w[0] == "suspended") return text(bench.suspend(time()));
    if (w[0] == "resumed") return text(bench.resume());
    if (w[0] == "expired") return text(bench.expire());
    if (w[0] == "created" && w.size() == 3) return text(bench.create(w[1], std::stoull(w[2])));
    if (w[0] == "create-failed") return text(bench.step(CreateFailed{bench.request, why}));
    if (w[0] == "listed") return text(bench.list({w.begin() + 1, w.end()}));
    if (w[0] == "list-failed") return text(bench.step(ListFailed{bench.request, why}));
    if (w[0] == "changed") return text(bench.step(ChildrenChanged{}));
    if (w[0] == "read" && w.size() == 2) return text(bench.read(w[1]));
    if (w[0] == "read") return text(bench.read(std::nullopt));
    if (w[0] == "read-failed") return text(bench.step(ReadFailed{bench.request, why}));
    if (w[0] == "pass") return text(bench.wait(time()));
    return kNotUnderstood;
  }

  static std::string text(const Effects& effects) {
    std::string all;
    for (const Effect& effect : effects) {
      if (std::holds_alternative<ArmTimer>(effect)) continue;
      all += "  " + Transcript::line(effect) + "\n";
    }
    return all;
  }

  std::variant<std::monostate, Bench<Candidate>, Bench<Observer>> bench_;
};

// The file as it should be: its comments and events, and the effects that they have now.
std::string replay(const std::string& text) {
  Script script;
  std::istringstream in(text);
  std::string result;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("> ")) {
      result += line + "\n" + script.play(line);
    } else if (!line.starts_with("  ")) {
      result += line + "\n";
    }
  }
  return result;
}

TEST(ElectionGolden, Scripts) {
  const char* root = std::getenv("SOUK_SOURCE_DIR");
  const std::filesystem::path folder =
      std::filesystem::path(root != nullptr ? root : ".") / "src/election/testdata";
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  ASSERT_GE(files.size(), 4u);
  for (const auto& file : files) {
    std::stringstream text;
    text << std::ifstream(file).rdbuf();
    const std::string now = replay(text.str());
    EXPECT_EQ(now.find("? not understood"), std::string::npos) << file << "\n" << now;
    if (std::getenv("SOUK_REWRITE_GOLDEN") != nullptr) {
      std::ofstream(file) << now;
    } else {
      EXPECT_EQ(text.str(), now) << file << ": if this is meant, run with SOUK_REWRITE_GOLDEN=1";
    }
  }
}

}  // namespace
}  // namespace souk::election
