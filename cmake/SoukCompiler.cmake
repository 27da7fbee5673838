# Language, warnings, sanitizers, linker and compiler cache: what holds for every target.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()
# Line tables are enough for backtraces and cost a third of the time and space of full debug information.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")
if(SOUK_SANITIZE)
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1")
endif()

add_compile_options(-ffunction-sections -fdata-sections)
if(SOUK_SANITIZE)
  add_compile_options(-fsanitize=${SOUK_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${SOUK_SANITIZE})
endif()
if(SOUK_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# Our own code only: souk_warnings is linked by our targets, not by generated code.
add_library(souk_warnings INTERFACE)
target_compile_options(souk_warnings INTERFACE -Wall -Wextra -Werror
  # Plain structs are filled by designated initialisers; the rest keeps its defaults.
  -Wno-missing-field-initializers)
if(SOUK_SANITIZE)
  # Instrumented code makes g++ warn of things that are not there; the release build is the judge.
  target_compile_options(souk_warnings INTERFACE -Wno-error)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False alarms of g++ 12 inside std::string, std::vector and std::variant once they are inlined (GCC bugs
  # 105329, 105562, 107852). Clang, the sanitizers and clang-tidy look for the same errors.
  target_compile_options(souk_warnings INTERFACE -Wno-restrict -Wno-maybe-uninitialized
    -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds -Wno-free-nonheap-object -Wno-tsan)
endif()

find_program(SOUK_CCACHE ccache)
if(SOUK_CCACHE)
  # The two sloppiness settings are what ccache asks for to cache units that use precompiled headers; the
  # others let one clone of the repository use what another one has compiled.
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros
    CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${SOUK_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()

find_program(SOUK_MOLD mold)
if(SOUK_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

