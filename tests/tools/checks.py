"""Shows that the checks of tools/ and the link tests ring when they should, and only then."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(os.environ.get("SOUK_SOURCE_DIR", Path(__file__).parent.parent.parent))
TOOLS = ROOT / "tools"


class Tree(unittest.TestCase):
    """A small project in a temporary directory, with our table of layers."""

    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix="souk-tools-"))
        self.addCleanup(shutil.rmtree, self.root)
        self.write("cmake/layers.txt", (ROOT / "cmake/layers.txt").read_text())
        self.write("src/base/result.h", "#pragma once\n#include <string>\n")

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run_tool(self, name, *arguments):
        done = subprocess.run([sys.executable, "-B", str(TOOLS / name), *map(str, arguments)],
                              capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def assert_rings(self, outcome, text):
        self.assertEqual(outcome[0], 1, outcome[1])
        self.assertIn(text, outcome[1])

    def assert_quiet(self, outcome):
        self.assertEqual(outcome, (0, ""))


class Includes(Tree):
    def check(self):
        return self.run_tool("check_includes", self.root)

    def test_downward_is_quiet(self):
        self.write("src/master/master.h", '#pragma once\n#include "allocator/allocator.h"\n'
                   '#include "base/result.h"\n#include "protocol/link.h"\n')
        self.write("src/runtime/driver.cc", '#include <thread>\n#include "master/master.h"\n')
        self.write("src/wire/codec.cc", '#include "mesos/v1/mesos.pb.h"\n')
        self.assert_quiet(self.check())

    def test_upward(self):
        self.write("src/base/bad.cc", '#include "model/ids.h"\n')
        self.assert_rings(self.check(), "src/base/bad.cc:1: model/ids.h")

    def test_machine_to_machine(self):
        self.write("src/master/bad.cc", '#include "agent/agent.h"\n')
        self.assert_rings(self.check(), "agent/agent.h")

    def test_more_of_the_allocator_than_its_interface(self):
        self.write("src/master/bad.cc", '#include "allocator/drf.h"\n')
        self.assert_rings(self.check(), "allocator/drf.h")

    def test_only_tests_drive_the_real_allocator(self):
        self.write("src/master/offer_test.cc", '#include "allocator/drf.h"\n')
        self.assert_quiet(self.check())
        self.write("src/master/offer.cc", '#include "allocator/drf.h"\n')
        self.assert_rings(self.check(), "src/master/offer.cc:1: allocator/drf.h")

    def test_simulator_to_runtime(self):
        self.write("src/sim/bad.cc", '#include "runtime/driver.h"\n')
        self.assert_rings(self.check(), "runtime/driver.h")

    def test_system_header_in_a_pure_layer(self):
        for header in ("thread", "boost/asio.hpp", "sys/socket.h", "iostream", "random", "sqlite3.h"):
            self.write("src/agent/bad.cc", f"#include <{header}>\n")
            self.assert_rings(self.check(), header)

    def test_messages_outside_of_wire(self):
        for form in ('"mesos/v1/mesos.pb.h"', "<mesos/v1/mesos.pb.h>"):
            self.write("src/master/bad.cc", f"  #  include {form}\n")
            self.assert_rings(self.check(), "wire layer")

    def test_path_not_from_src(self):
        self.write("src/base/bad.cc", '#include "result.h"\n')
        self.assert_rings(self.check(), "start from src/")

    def test_unknown_layer(self):
        self.write("src/utils/misc.h", "#pragma once\n")
        self.assert_rings(self.check(), "src/utils: not in cmake/layers.txt")

    def test_header_without_guard(self):
        self.write("src/base/bad.h", "struct Bad {};\n")
        self.assert_rings(self.check(), "#pragma once")

    def test_example_that_looks_inside(self):
        self.write("examples/hello/main.cc", '#include "scheduler/scheduler.h"\n')
        self.assert_rings(self.check(), "examples include only")


class Purity(Tree):
    def check(self, layer, code):
        source, object_file = self.root / "bad.cc", self.root / "bad.cc.o"
        source.write_text(code)
        subprocess.run(["c++", "-std=c++23", "-O1", "-c", source, "-o", object_file], check=True)
        library = self.root / f"libsouk_{layer}.a"
        subprocess.run(["ar", "rcs", library, object_file], check=True, stderr=subprocess.DEVNULL)
        return self.run_tool("check_purity", self.root)

    def test_containers_are_quiet(self):
        self.assert_quiet(self.check("master", """
            #include <map>
            #include <string>
            #include <unordered_map>
            #include <vector>
            void grow(std::map<std::string, std::vector<int>>& m, std::unordered_map<int, std::string>& u) {
              m["a"].push_back(1);
              u[3] += "text";
            }"""))

    def test_acts_are_not(self):
        acts = {
            "std::chrono::_V2::steady_clock::now": "#include <chrono>\n"
                "long f() { return std::chrono::steady_clock::now().time_since_epoch().count(); }",
            "clock_gettime": "#include <ctime>\nvoid f(timespec* t) { clock_gettime(CLOCK_REALTIME, t); }",
            "needs time": "#include <ctime>\nlong f() { return time(nullptr); }",
            "needs rand": "#include <cstdlib>\nint f() { return rand(); }",
            "std::random_device": "#include <random>\nunsigned f() { return std::random_device()(); }",
            "needs open": '#include <fcntl.h>\nint f() { return open("/x", O_RDONLY); }',
            "needs socket": "#include <sys/socket.h>\nint f() { return socket(AF_INET, SOCK_STREAM, 0); }",
            "needs getenv": '#include <cstdlib>\nchar* f() { return getenv("HOME"); }',
            "std::thread": "#include <thread>\nvoid f() { std::thread([] {}).detach(); }",
            "std::cout": '#include <iostream>\nvoid f() { std::cout << "x"; }',
            "puts": '#include <cstdio>\nvoid f() { puts("x"); }',
            "fmt::v": '#include <fmt/format.h>\nvoid f() { fmt::print("x"); }',
            "abort": "#include <cstdlib>\nvoid f() { abort(); }",
        }
        for symbol, code in acts.items():
            with self.subTest(symbol):
                self.assert_rings(self.check("agent", code), symbol)

    def test_messages_only_in_wire(self):
        code = "#include <google/protobuf/message.h>\n" \
               "std::string f(const google::protobuf::Message& m) { return m.DebugString(); }"
        self.assert_quiet(self.check("wire", code))
        (self.root / "libsouk_wire.a").unlink()
        self.assert_rings(self.check("model", code), "google::protobuf")

    def test_no_library_at_all(self):
        self.assert_rings(self.run_tool("check_purity", self.root), "no library found")


class Limits(Tree):
    def check(self, name, text):
        self.write(name, text)
        return self.run_tool("check_limits", self.root)

    def test_seventy_lines_are_quiet(self):
        self.assert_quiet(self.check("src/base/a.cc", "int f() {\n" + "  g();\n" * 68 + "}\n"))

    def test_long_functions(self):
        body = "  g();\n" * 69
        forms = {
            "plain": "namespace a {\nint f(int x) {\n" + body + "}\n}\n",
            "braces in text": 'int f() {\n  s = "}}}"; // }\n  c = \'}\';\n' + body + "}\n",
            "constructor": "A::A(int x)\n    : x_{x},\n      y_(x) {\n" + body + "}\n",
            "method": "class A : B<int> {\n public:\n  int f() const override {\n" + body + "  }\n};\n",
            "template": "template <class T>\n  requires std::integral<T>\nT f(T x) {\n" + body + "}\n",
            "test": "TEST(Master, Long) {\n" + body + "}\n",
            "lambda": "const auto f = [](int x) {\n" + body + "};\n",
            "raw string": 'int f() {\n  s = R"(})";\n' + body + "}\n",
            "separators": "int f() {\n  x = 1'000; y = 2'000;\n" + body + "}\n",
        }
        for form, text in forms.items():
            with self.subTest(form):
                self.assert_rings(self.check("src/base/a.cc", text), "a function of")

    def test_long_tables_and_types_are_quiet(self):
        self.assert_quiet(self.check("src/base/a.cc", "struct A {\n" + "  int x = 1;\n" * 90 + "};\n"
                                     "const int kTable[] = {\n" + "  f(1),\n" * 90 + "};\n"
                                     "enum class E {\n" + "  kX,\n" * 90 + "};\n"))

    def test_scripts(self):
        self.assert_rings(self.check("tests/x/a.py", "def f():\n" + "    g()\n" * 70), "a function of 71")
        self.write("tests/x/a.py", "")
        self.assert_rings(self.check("web/a.js", "async function f() {\n" + "  g();\n" * 69 + "}\n"),
                          "a function of 71")

    def test_long_file(self):
        self.assert_quiet(self.check("src/base/a.h", "int x;\n" * 1000))
        self.assert_rings(self.check("src/base/a.h", "int x;\n" * 1001), "1001 lines")


class Counts(Tree):
    GTEST = '<testsuites><testsuite name="S">{}</testsuite></testsuites>'

    def count(self, *entries, **reports):
        self.write("results/ctest.junit", f"<testsuite>{''.join(entries)}</testsuite>")
        for name, cases in reports.items():
            self.write(f"results/{name}.xml", self.GTEST.format(cases))
        return self.run_tool("count_tests", self.root)

    def test_cases_are_added_up(self):
        cases = '<testcase name="a" status="run" result="completed"/>' * 3
        skipped = '<testcase name="b" status="run" result="skipped"><skipped/></testcase>'
        outcome = self.count('<testcase name="x" status="run"/>', '<testcase name="y" status="run"/>',
                             '<testcase name="z" status="run"><system-out>\nok\n5 passed, 0 failed\n'
                             '</system-out></testcase>', x=cases + skipped)
        self.assertEqual(outcome, (0, "9 passed, 0 failed, 1 skipped\n"))

    def test_failed_case(self):
        failed = '<testcase name="b" classname="S" status="run"><failure message="no"/></testcase>'
        outcome = self.count('<testcase name="x" status="fail"/>', x=failed)
        self.assertEqual(outcome, (1, "failed: x: S.b\n0 passed, 1 failed\n"))

    def test_crash_after_good_cases(self):
        good = '<testcase name="a" status="run" result="completed"/>'
        self.assert_rings(self.count('<testcase name="x" status="fail"/>', x=good), "1 passed, 1 failed")

    def test_missing_executable(self):
        self.assert_rings(self.count('<testcase name="x" status="notrun">'
                                     '<skipped message="Unable to find executable"/></testcase>'),
                          "0 passed, 1 failed")

    def test_skipped_script(self):
        outcome = self.count('<testcase name="x" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/>'
                             "</testcase>")
        self.assertEqual(outcome, (0, "0 passed, 0 failed, 1 skipped\n"))


class LinkTest(Tree):
    """The real CMake files over two tiny layers."""

    def setUp(self):
        super().setUp()
        for name in ("CMakeLists.txt", "cmake", "deps"):
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, self.root / name, **({"dirs_exist_ok": True} if (ROOT / name).is_dir() else {}))
        self.write("src/base/version.h", (ROOT / "src/base/version.h").read_text())
        self.write("src/base/low.cc", "int low() { return 1; }\n")

    def build(self, model):
        self.write("src/model/high.cc", model)
        self.write("src/base/bad.cc", self.base)
        build = self.root / "build"
        subprocess.run(["cmake", "-G", "Ninja", "-S", self.root, "-B", build, "-DSOUK_TESTS=OFF"],
                       check=True, capture_output=True)
        done = subprocess.run(["ninja", "-C", build, "link_base", "link_model"], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def test_downward_links(self):
        self.base = ""
        status, output = self.build("int low();\nint high() { return low(); }\n")
        self.assertEqual(status, 0, output)

    def test_upward_does_not_link(self):
        self.base = "int high();\nint bad() { return high(); }\n"
        outcome = self.build("int high() { return 1; }\n")
        self.assert_rings(outcome, "high()")


if __name__ == "__main__":
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=1).run(suite)
    bad = len(result.failures) + len(result.errors)
    print(f"{max(0, result.testsRun - bad)} passed, {bad} failed")
    sys.exit(1 if bad else 0)
