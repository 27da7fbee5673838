# Souk::allocator_module is what shared objects with an allocation module link: the values of base/ and
# model/, and the contract test. Compiled apart from the layers, because it must be position-independent
# and must not show: a module that exports more than its entry would collide with souk itself.
include(GNUInstallDirs)
file(GLOB module_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/base/*.cc
  ${PROJECT_SOURCE_DIR}/src/model/*.cc ${PROJECT_SOURCE_DIR}/src/allocator/contract*.cc
  ${PROJECT_SOURCE_DIR}/deps/fmt.cc)
list(FILTER module_sources EXCLUDE REGEX "_test\\.cc$")
add_library(souk_allocator_module STATIC ${module_sources})
add_library(Souk::allocator_module ALIAS souk_allocator_module)
set_target_properties(souk_allocator_module PROPERTIES
  EXPORT_NAME allocator_module
  POSITION_INDEPENDENT_CODE ON
  CXX_VISIBILITY_PRESET hidden
  VISIBILITY_INLINES_HIDDEN ON)
set_source_files_properties(${PROJECT_SOURCE_DIR}/deps/fmt.cc PROPERTIES
  SKIP_PRECOMPILE_HEADERS ON COMPILE_OPTIONS -w)
target_link_libraries(souk_allocator_module PRIVATE $<BUILD_INTERFACE:souk_warnings>)
target_compile_features(souk_allocator_module PUBLIC cxx_std_23)
target_link_libraries(souk_allocator_module PUBLIC Boost::headers)
target_include_directories(souk_allocator_module PUBLIC
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src> $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/souk/internal>)
if(NOT SOUK_FUZZ)
  # Its own, because of the position-independent code.
  target_precompile_headers(souk_allocator_module PRIVATE ${SOUK_STD_HEADERS})
endif()
