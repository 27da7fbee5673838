# Third-party code that we compile ourselves, and the two precompiled headers: the standard library for
# every unit, with GoogleTest and RapidCheck for tests. Asio and Beast are not worth one: only the few
# units of the runtime that hide them include them. Sources include what they use all the same: clang-tidy
# and the fuzz preset compile them without.
add_library(souk_fmt STATIC ${PROJECT_SOURCE_DIR}/deps/fmt.cc)
target_compile_options(souk_fmt PRIVATE -w)

set(SOUK_STD_HEADERS <algorithm> <array> <chrono> <compare> <cstddef> <cstdint> <cstring> <deque>
  <expected> <functional> <initializer_list> <map> <memory> <optional> <set> <span> <string>
  <string_view> <tuple> <type_traits> <utility> <variant> <vector> <fmt/format.h>)

# souk_pch(NAME LIBRARIES... HEADERS headers...): a precompiled header that others take by souk_use_pch().
function(souk_pch name)
  cmake_parse_arguments(arg "" "" "LIBRARIES;HEADERS" ${ARGN})
  if(SOUK_FUZZ)
    return()
  endif()
  set(source ${CMAKE_BINARY_DIR}/pch/${name}.cc)
  file(CONFIGURE OUTPUT ${source} CONTENT "// Carries a precompiled header.\n")
  add_library(${name} OBJECT ${source})
  target_link_libraries(${name} PRIVATE souk_warnings ${arg_LIBRARIES})
  target_precompile_headers(${name} PRIVATE ${arg_HEADERS})
  target_compile_options(${name} PRIVATE -fpch-preprocess)
endfunction()

function(souk_use_pch target pch)
  if(TARGET ${pch})
    target_precompile_headers(${target} REUSE_FROM ${pch})
    target_compile_options(${target} PRIVATE -fpch-preprocess)
  endif()
endfunction()

souk_pch(souk_pch_std HEADERS ${SOUK_STD_HEADERS})
if(SOUK_TESTS AND NOT SOUK_FUZZ)
  find_package(GTest REQUIRED)
  find_package(rapidcheck REQUIRED)
  souk_pch(souk_pch_test LIBRARIES GTest::gtest rapidcheck HEADERS ${SOUK_STD_HEADERS}
    <gtest/gtest.h> <rapidcheck.h> <rapidcheck/gtest.h>)
endif()
