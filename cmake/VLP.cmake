# Build functions shared by every directory. Two worlds: `vlp_library` never sees LLVM; `vlp_mlir_library` does.

add_compile_options(-Wall -Wextra $<$<COMPILE_LANGUAGE:CXX>:-Wno-unused-parameter>)
if(VLP_WERROR)
  add_compile_options(-Werror)
endif()
if(VLP_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize=vptr -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined -fno-sanitize=vptr)
endif()
include_directories(${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})

# vlp_library(NAME SOURCES... [DEPS targets...]): a static library of the LLVM-free side.
function(vlp_library name)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC ${ARG_DEPS})
endfunction()

# The usual MLIR headers, precompiled once and shared by all MLIR libraries: 6 s a file becomes 1 to 2 s.
function(vlp_mlir_pch)
  file(WRITE ${PROJECT_BINARY_DIR}/vlp_pch.cpp "// Carrier of the precompiled header.\n")
  add_library(vlp_mlir_pch STATIC ${PROJECT_BINARY_DIR}/vlp_pch.cpp)
  vlp_mlir_settings(vlp_mlir_pch)
  target_precompile_headers(vlp_mlir_pch PRIVATE ${PROJECT_SOURCE_DIR}/cmake/MLIRPrecompiled.h)
  target_compile_options(vlp_mlir_pch PRIVATE -fpch-instantiate-templates)
endfunction()

function(vlp_mlir_settings name)
  target_include_directories(${name} SYSTEM PUBLIC ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
  target_compile_options(${name} PRIVATE -Wno-ambiguous-reversed-operator)
  target_link_libraries(${name} PUBLIC MLIR LLVM)
endfunction()

# vlp_mlir_library(NAME SOURCES... [DEPS targets...] [TABLEGEN targets...]): a library of the compiler side.
function(vlp_mlir_library name)
  cmake_parse_arguments(ARG "" "" "DEPS;TABLEGEN" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  vlp_mlir_settings(${name})
  target_precompile_headers(${name} REUSE_FROM vlp_mlir_pch)
  target_compile_options(${name} PRIVATE -fpch-instantiate-templates)
  target_link_libraries(${name} PUBLIC ${ARG_DEPS})
  if(ARG_TABLEGEN)
    add_dependencies(${name} ${ARG_TABLEGEN})
  endif()
endfunction()

# vlp_tool(NAME SOURCES... [DEPS targets...]): an executable under bin/.
function(vlp_tool name)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
endfunction()

# vlp_test_cache(TEST): the kernels that a test compiles are kept with the build, not in the user's home.
function(vlp_test_cache name)
  set_property(TEST ${name} APPEND PROPERTY ENVIRONMENT XDG_CACHE_HOME=${PROJECT_BINARY_DIR}/test/cache)
endfunction()

# vlp_unit_test(NAME SOURCES... [DEPS targets...]): a GoogleTest program registered with CTest.
function(vlp_unit_test name)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gtest GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/test/bin)
  add_test(NAME ${name} COMMAND ${name})
  vlp_test_cache(${name})
  set_property(GLOBAL APPEND PROPERTY VLP_UNIT_TESTS ${name})
endfunction()
