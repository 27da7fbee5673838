"""An allocation module from outside: Souk is installed, the example built against it as a stranger
would, its tests run, and a master started with it. And every module does its work in a cluster."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from souk_cluster import BUILD, ROOT, check, equal, run_tests

EXAMPLE = ROOT / "examples/round_robin_allocator"
BUILT_IN = ("drf", "fair", "priority", "lottery")


def command(*arguments, **more):
    done = subprocess.run([str(each) for each in arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, **more)
    check(done.returncode == 0, f"{' '.join(map(str, arguments))}:\n{done.stdout}")
    return done.stdout


def set_up(cluster):
    cluster.prefix = cluster.folder / "installed"
    command("cmake", "--install", BUILD, "--prefix", cluster.prefix)


def build_example(cluster):
    """The module, built once."""
    folder = cluster.folder / "module"
    library = folder / "libround_robin_allocator.so"
    if not library.exists():
        source = cluster.folder / "round_robin"  # far from the tree, so that nothing helps it
        shutil.copytree(EXAMPLE, source)
        launcher = shutil.which("ccache")
        more = [f"-DCMAKE_CXX_COMPILER_LAUNCHER={launcher}"] if launcher else []
        command("cmake", "-G", "Ninja", "-S", source, "-B", folder, "-DCMAKE_BUILD_TYPE=Release",
                f"-DCMAKE_PREFIX_PATH={cluster.prefix}", *more)
        command("ninja", "-C", folder)
    return library


def works(cluster, name, *flags):
    """Two frameworks at once in a cluster with this module."""
    local = cluster.local("--agents=2", "--resources=cpus:2;mem:1024;disk:1024", *flags, name=name)
    arguments = ["run", f"--master={local.address}", "--instances=6", "--cpus=0.5", "--mem=32",
                 "--", "echo", "done"]
    other = cluster.background(f"{name}-other", *arguments)
    status, out, err = cluster.souk(*arguments)
    equal((status, sorted(out.splitlines())), (0, [f"[{i}] done" for i in range(6)]), err)
    equal(other.wait(), 0, other.text())
    flags_seen = local.get("/flags")["flags"]
    local.stop()
    return flags_seen


def test_the_example_builds_and_passes_its_tests_out_of_the_tree(cluster):
    library = build_example(cluster)
    out = command("ctest", "--test-dir", library.parent, "--output-on-failure")
    check("100% tests passed" in out and "round_robin_allocator_test" in out, out)


def test_the_module_shows_nothing_of_souk(cluster):
    library = build_example(cluster)
    symbols = command("nm", "-D", "--defined-only", "--demangle", library).splitlines()
    names = [line.split(" ", 2)[2] for line in symbols]
    check("souk_allocator_v1" in names, names)
    shown = [name for name in names if name != "souk_allocator_v1" and
             ("souk" in name or "fmt::" in name or "round_robin" in name)]
    equal(shown, [])


def test_a_master_runs_with_it(cluster):
    flags = works(cluster, "example", f"--allocator={build_example(cluster)}",
                  "--allocator_options=shuffle=yes")
    check(flags["allocator"].endswith(".so"), flags)


def test_each_built_in_module_works(cluster):
    for name in BUILT_IN:
        flags = works(cluster, name, f"--allocator={name}", "--role_priorities=prod=1",
                      "--fair_resource=mem", "--revocation_delay=1hrs")
        equal((flags["allocator"], flags["revocation_delay"]), (name, "1hrs"))


def refusal(cluster, *flags):
    status, out, err = cluster.souk("master", "--port=0", f"--work_dir={cluster.folder / 'refused'}",
                                    *flags)
    equal((status, out), (1, ""), err)
    check(not (cluster.folder / "refused").exists(), "it left a folder behind")
    equal(len(err.splitlines()), 1, err)
    return err


def test_what_is_wrong_is_said_before_anything_is_done(cluster):
    library = build_example(cluster)
    for flags, text in {
            ("--allocator=dfr",): "did you mean drf?",
            ("--allocator=/no/such.so",): "there is no such file",
            ("--allocator=libmine.so",): "say ./libmine.so",
            (f"--allocator={BUILD / 'souk'}",): "cannot load",
            (f"--allocator={library}", "--allocator_options=speed=high"): "there is: shuffle",
            ("--allocator=drf", "--allocator_options=speed=high"): "takes none",
            ("--revocation_delay=0",): "--revocation_delay must be above zero",
            ("--role_priorities=a/b=1",): "top-level roles"}.items():
        err = refusal(cluster, *flags)
        check(text in err, f"{flags}: expected {text!r} in {err!r}")


if __name__ == "__main__":
    os.environ.pop("SOUK_ALLOCATOR", None)
    run_tests(globals(), set_up)
