# The programs, and for find_package(Souk) with their headers: Souk::sdk for frameworks, and
# Souk::allocator_module for allocation modules.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

souk_existing(programs souk souk-executor)
if(programs)
  install(TARGETS ${programs} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

# Souk::sdk is what frameworks link, here (examples/) and from the installed package alike.
add_library(souk_sdk INTERFACE)
add_library(Souk::sdk ALIAS souk_sdk)
set_target_properties(souk_sdk PROPERTIES EXPORT_NAME sdk)
souk_existing(sdk_parts souk_scheduler souk_runtime)
target_link_libraries(souk_sdk INTERFACE ${sdk_parts})
target_include_directories(souk_sdk INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/souk/internal>)

get_property(layers GLOBAL PROPERTY SOUK_LAYERS)
list(REMOVE_ITEM layers sim workloads)
list(TRANSFORM layers PREPEND souk_ OUTPUT_VARIABLE libraries)
souk_existing(more souk_proto)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/Souk)
install(TARGETS souk_sdk souk_allocator_module ${libraries} ${more} souk_fmt EXPORT SoukTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT SoukTargets NAMESPACE Souk:: DESTINATION ${package})

if(EXISTS ${PROJECT_SOURCE_DIR}/include/souk)
  install(DIRECTORY include/souk DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
endif()
# The public headers hand out values of these layers.
foreach(layer base model protocol allocator isolation scheduler)
  if(EXISTS ${PROJECT_SOURCE_DIR}/src/${layer})
    install(DIRECTORY src/${layer} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/souk/internal
      FILES_MATCHING PATTERN "*.h")
  endif()
endforeach()

write_basic_package_version_file(${CMAKE_BINARY_DIR}/SoukConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/SoukConfigVersion.cmake cmake/SoukConfig.cmake
  cmake/SoukDependencies.cmake DESTINATION ${package})

file(GLOB examples CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/*/CMakeLists.txt)
if(NOT SOUK_FUZZ)
  foreach(example IN LISTS examples)
    get_filename_component(folder ${example} DIRECTORY)
    add_subdirectory(${folder})
    get_property(targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
    if(NOT folder MATCHES "_allocator$")  # not shown by ./dev demo
      add_dependencies(demo ${targets})
    endif()
  endforeach()
endif()
