// A shared object that is no allocation module.
extern "C" __attribute__((visibility("default"))) int somebody_elses_library() { return 0; }
