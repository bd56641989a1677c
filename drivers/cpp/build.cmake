# cmake -P drivers/cpp/build.cmake: configures drivers/cpp/build, and builds the driver there; `cmake --build
# drivers/cpp/build` builds the tests, too. -D JOBS=N (before -P) builds N files at a time,
# -D OPTIONS=-DNAME=VALUE;… are options of the project.
get_filename_component(source "${CMAKE_CURRENT_LIST_DIR}" ABSOLUTE)
if(NOT DEFINED JOBS)
  set(JOBS 1)
endif()
foreach(
  step IN
  ITEMS "-S;${source};-B;${source}/build;-DCMAKE_BUILD_TYPE=Release;${OPTIONS}" "--build;${source}/build;--target;zerobuffer-driver;--parallel;${JOBS}")
  execute_process(COMMAND "${CMAKE_COMMAND}" ${step} RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "could not build the C++ driver")
  endif()
endforeach()
