@stress
Feature: Stress
  Bounded by configuration; the sizes can be raised.

  Background:
    Given the test environment is initialized
    And all processes are ready

  @clause:7.5
  Scenario: 11.1 A thousand buffers come and go without a leak
    When the 'reader' process creates and closes buffer 'short-lived' '1000' times
    Then the 'reader' process should hold no more resources than before
    And no object of buffer 'short-lived' should exist

  # The field has no 11.2.

  @clause:2.7
  Scenario: 11.3 A long run leaks nothing and crosses the end of the counters
    Given the 'reader' process creates buffer 'long-run' with metadata size '0' and payload size '65536'
    And the header of buffer 'long-run' is overwritten:
      | field                 | value                |
      | payload_written_count | 18446744073709550000 |
      | payload_read_count    | 18446744073709550000 |
    When the 'writer' process connects to buffer 'long-run'
    And the 'writer' process writes frames of size '1024' for the time of a long run
    And the 'reader' process reads frames for the time of a long run
    Then the 'writer' process should have written as many frames as the header of buffer 'long-run' counts from '18446744073709550000'
    And the 'reader' process should hold no more resources than before
    And no sequence errors should have occurred

  @clause:7.2
  Scenario: 11.4 Buffers until the limit, then a clear error, then all are released
    When the 'reader' process may open at most '64' further descriptors
    And the 'reader' process creates buffers called 'crowd' until it is refused
    Then the 'reader' process should get error 'resource_exhausted'
    When the limits of the 'reader' process are lifted
    And the 'reader' process closes all its buffers
    Then no object of the buffers called 'crowd' should exist
    And the 'reader' process should hold no more resources than before

  @process @clause:7.3 @clause:7.12
  Scenario: 11.5 A buffer comes and goes a thousand times under a storm of writers
    When the 'writer' process keeps connecting to buffer 'storm' in the background
    And the 'reader' process creates and closes buffer 'storm' '1000' times
    Then the 'writer' process should have seen only the errors 'not_found,reader_dead,writer_exists,invalid_oieb,timeout,closed'
    And the 'reader' process should hold no more resources than before
    And no object of buffer 'storm' should exist
