// A module of a version to come.
extern "C" __attribute__((visibility("default"))) const void* souk_allocator_v7() {
  return nullptr;
}
