@process
Feature: Monitoring
  An idle buffer costs nothing, a busy one costs one copy.

  Background:
    Given the test environment is initialized
    And all processes are ready

  @slow @clause:8.1
  Scenario: 9.1 An idle wait costs next to no processor time
    Given the 'reader' process creates buffer 'idle' with metadata size '0' and payload size '10240'
    When the 'writer' process connects to buffer 'idle'
    And the 'reader' process starts waiting for a frame
    Then the 'reader' process should use less than '1' percent of a core over '2' seconds
    When the 'writer' process writes frame with size '100' and sequence '1'
    Then the 'reader' process should finish what it started

  @slow @clause:8.1
  Scenario: 9.2 An active transfer costs about one copy on each side
    Given the 'reader' process creates buffer 'busy' with metadata size '0' and payload size '4194304'
    When the 'writer' process connects to buffer 'busy'
    And the 'writer' process streams '400' frames of size '1MiB' as fast as possible
    And the 'reader' process takes '400' frames without looking at them
    Then the 'writer' process should have used at most '6' times the processor time of copying '400MiB'
    And the 'reader' process should have used at most '6' times the processor time of copying '400MiB'
