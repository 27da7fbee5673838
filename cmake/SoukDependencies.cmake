# What we take from the system, as targets with our names. The installed package includes this file too.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(Protobuf REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(ZLIB REQUIRED)

# Not spdlog's own target: that one drags in the shared fmt, and we link fmt statically (deps/fmt.cc).
find_path(SOUK_SPDLOG_INCLUDE spdlog/spdlog.h REQUIRED)
find_library(SOUK_SPDLOG spdlog REQUIRED)
if(NOT TARGET souk_spdlog)
  add_library(souk_spdlog INTERFACE IMPORTED)
  set_target_properties(souk_spdlog PROPERTIES
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${SOUK_SPDLOG_INCLUDE}"
    INTERFACE_COMPILE_DEFINITIONS "SPDLOG_COMPILED_LIB;SPDLOG_SHARED_LIB;SPDLOG_FMT_EXTERNAL"
    INTERFACE_LINK_LIBRARIES "${SOUK_SPDLOG};Threads::Threads")
endif()

find_path(SOUK_PROMETHEUS_INCLUDE prometheus/registry.h REQUIRED)
find_library(SOUK_PROMETHEUS_CORE prometheus-cpp-core REQUIRED)
if(NOT TARGET souk_prometheus)
  add_library(souk_prometheus INTERFACE IMPORTED)
  set_target_properties(souk_prometheus PROPERTIES
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${SOUK_PROMETHEUS_INCLUDE}"
    INTERFACE_LINK_LIBRARIES "${SOUK_PROMETHEUS_CORE}")
endif()

# Not by its pkg-config file: that one asks for -std=c++11.
find_path(SOUK_RE2_INCLUDE re2/re2.h REQUIRED)
find_library(SOUK_RE2 re2 REQUIRED)
if(NOT TARGET souk_re2)
  add_library(souk_re2 INTERFACE IMPORTED)
  set_target_properties(souk_re2 PROPERTIES
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${SOUK_RE2_INCLUDE}"
    INTERFACE_LINK_LIBRARIES "${SOUK_RE2};Threads::Threads")
endif()
