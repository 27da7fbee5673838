# proto/**/*.proto compiled into souk_proto. Only the wire layer links it, so only wire sees *.pb.h.
file(GLOB_RECURSE protos CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/proto
  ${PROJECT_SOURCE_DIR}/proto/*.proto)
if(protos)
  set(out ${CMAKE_BINARY_DIR}/proto)
  file(MAKE_DIRECTORY ${out})
  list(TRANSFORM protos PREPEND ${PROJECT_SOURCE_DIR}/proto/ OUTPUT_VARIABLE inputs)
  list(TRANSFORM protos REPLACE "\\.proto$" ".pb.cc" OUTPUT_VARIABLE sources)
  list(TRANSFORM sources PREPEND ${out}/)
  list(TRANSFORM sources REPLACE "\\.cc$" ".h" OUTPUT_VARIABLE headers)
  add_custom_command(OUTPUT ${sources} ${headers}
    COMMAND protobuf::protoc --cpp_out=${out} -I ${PROJECT_SOURCE_DIR}/proto ${protos}
    DEPENDS ${inputs}
    COMMENT "protoc: ${PROJECT_NAME} messages"
    VERBATIM)
  add_library(souk_proto STATIC ${sources})
  target_compile_options(souk_proto PRIVATE -w)
  # Or it writes a line to standard error for each text that is not UTF-8, which peers may send.
  target_compile_definitions(souk_proto PRIVATE NDEBUG)
  # What Mesos deprecates its clients still send and read, so it is spoken here.
  target_compile_options(souk_proto INTERFACE -Wno-deprecated-declarations)
  # protobuf's headers lay a map out differently under ThreadSanitizer, but Debian's library was built without it.
  if(SOUK_SANITIZE MATCHES "thread")
    target_compile_options(souk_proto PUBLIC -U__SANITIZE_THREAD__)
  endif()
  target_include_directories(souk_proto SYSTEM PUBLIC $<BUILD_INTERFACE:${out}>)
  # Each message makes many small calls into protobuf; through the tables of a shared library they cost more
  # (docs/SCALE.md, "Task lives"). Whoever links our installed libraries may have the shared one in his process already.
  find_library(SOUK_PROTOBUF libprotobuf.a REQUIRED)
  target_link_libraries(souk_proto PUBLIC $<BUILD_INTERFACE:${SOUK_PROTOBUF}>
    $<INSTALL_INTERFACE:protobuf::libprotobuf> Threads::Threads)
endif()
