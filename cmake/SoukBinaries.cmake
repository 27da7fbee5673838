# The executables. src/bin/executor_*.cc make souk-executor, every other source of src/bin makes souk.
find_package(CLI11 REQUIRED)
get_property(bin_depends GLOBAL PROPERTY SOUK_BIN_DEPENDS)
list(TRANSFORM bin_depends PREPEND souk_)
souk_existing(bin_depends ${bin_depends})

file(GLOB executor_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/bin/executor_*.cc)
list(FILTER executor_sources EXCLUDE REGEX "_test\\.cc$")
file(GLOB bin_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/bin/*.cc)
set(bin_tests ${bin_sources})
list(FILTER bin_tests INCLUDE REGEX "_test\\.cc$")
list(FILTER bin_sources EXCLUDE REGEX "/executor_[^/]*$|_test\\.cc$")
set(bin_main ${bin_sources})
list(FILTER bin_main INCLUDE REGEX "/main\\.cc$")
list(REMOVE_ITEM bin_sources ${bin_main} "")

# All but main() is a library, so that src/bin/*_test.cc can link it.
if(bin_sources AND NOT SOUK_FUZZ)
  add_library(souk_bin STATIC ${bin_sources})
  target_include_directories(souk_bin PUBLIC ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(souk_bin PRIVATE souk_warnings)
  target_link_libraries(souk_bin PUBLIC ${bin_depends} ${SOUK_LIBRARIES_bin} CLI11::CLI11)
  souk_use_pch(souk_bin souk_pch_std)
  if(bin_tests AND SOUK_TESTS)
    souk_layer_test(bin "${bin_tests}")
    set_property(GLOBAL APPEND PROPERTY SOUK_UNIT_TESTS bin_test)
  endif()
endif()

if(bin_main AND NOT SOUK_FUZZ)
  add_executable(souk ${bin_main})
  target_include_directories(souk PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
  souk_existing(bin_library souk_bin)
  target_link_libraries(souk PRIVATE souk_warnings ${bin_library} ${bin_depends}
    ${SOUK_LIBRARIES_bin} CLI11::CLI11)
  target_link_options(souk PRIVATE -Wl,--gc-sections)
  # One thread of a master frees what another one made: with jemalloc a task's life costs a fifth less CPU than
  # with the allocator of glibc. The sanitizers bring their own.
  if(NOT SOUK_SANITIZE)
    find_library(SOUK_JEMALLOC jemalloc REQUIRED)
    target_link_libraries(souk PRIVATE -Wl,--no-as-needed ${SOUK_JEMALLOC} -Wl,--as-needed)
  endif()
  souk_use_pch(souk souk_pch_std)
endif()

# One process for each command task, so its memory counts: static (no relocations, no loader, no shared
# libraries to map), optimised for size, nothing in it but the executor machine.
if(executor_sources AND NOT SOUK_FUZZ)
  add_executable(souk-executor ${executor_sources})
  target_include_directories(souk-executor PRIVATE ${PROJECT_SOURCE_DIR}/src)
  souk_existing(executor_libraries souk_executor souk_protocol souk_model souk_base)
  target_link_libraries(souk-executor PRIVATE souk_warnings ${executor_libraries})
  target_compile_options(souk-executor PRIVATE -Os)
  if(NOT SOUK_SANITIZE)
    target_link_options(souk-executor PRIVATE -static -Wl,--gc-sections -Wl,-z,norelro)
  endif()
  if(TARGET souk)
    add_dependencies(souk souk-executor)
  endif()
endif()

# What ./dev demo needs, and no test.
add_custom_target(demo)
souk_existing(demo_parts souk souk-executor)
if(demo_parts)
  add_dependencies(demo ${demo_parts})
endif()
