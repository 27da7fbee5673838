# For find_package(Souk): defines Souk::sdk.
include(${CMAKE_CURRENT_LIST_DIR}/SoukDependencies.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/SoukTargets.cmake)
