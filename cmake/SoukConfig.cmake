# For find_package(Souk): defines Souk::sdk and Souk::allocator_module.
include(${CMAKE_CURRENT_LIST_DIR}/SoukDependencies.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/SoukTargets.cmake)
