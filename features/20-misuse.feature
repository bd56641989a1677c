Feature: Misuse
  A call that must not be made is told so at once, and costs nobody anything.

  Background:
    Given the test environment is initialized
    And all processes are ready

  @clause:5.5 @clause:8.2
  Scenario: 20.1 A writer that has lent a place is busy until the place comes back
    Given the 'reader' process creates buffer 'lent' with metadata size '0' and payload size '4096'
    When the 'writer' process connects to buffer 'lent'
    And the 'writer' process requests zero-copy frame of size '1000'
    And the 'writer' process attempts to write '100' byte frame
    Then the 'writer' process should get error 'busy'
    When the 'writer' process tries to request zero-copy frame of size '100'
    Then the 'writer' process should get error 'busy'
    And the header of buffer 'lent' should show:
      | field                 | value |
      | payload_free_bytes    | 4096  |
      | payload_write_pos     | 0     |
      | payload_written_count | 0     |
    When the 'writer' process fills zero-copy buffer with test pattern
    And the 'writer' process commits zero-copy frame
    And the 'writer' process writes frame with size '100' and sequence '2'
    Then the 'reader' process should read frame with sequence '1' and size '1000'
    And the 'reader' process should validate frame data
    And the 'reader' process should read frame with sequence '2' and size '100'

  @clause:6.5 @clause:11.8
  Scenario: 20.2 A frame that is released twice gives its space back once
    Given the 'reader' process creates buffer 'twice' with metadata size '0' and payload size '4096'
    When the 'writer' process connects to buffer 'twice'
    And the 'writer' process writes '3' frames of size '984' in a row
    And the 'reader' process holds '2' frames
    And the 'reader' process releases held frame '1'
    And the 'reader' process releases held frame '1'
    Then the header of buffer 'twice' should show:
      | field              | value |
      | payload_free_bytes | 2096  |
      | released           | 5096  |
    And the space semaphore of buffer 'twice' should stand at '1'
    And the 'reader' process should find held frame '2' unharmed

  @clause:7.4 @clause:8.2 @clause:8.3
  Scenario: 20.3 A writer is of no use after its end, and touches nothing
    Given the 'reader' process creates buffer 'writer-over' with metadata size '64' and payload size '4096'
    When the 'writer' process connects to buffer 'writer-over'
    And the 'writer' process writes frame with size '100' and sequence '1'
    And the 'writer' process closes its writer of buffer 'writer-over' and uses it all the same
    Then the 'writer' process should have been told 'closed' each time
    And the header of buffer 'writer-over' should show:
      | field                  | value |
      | writer_pid             | 0     |
      | metadata_written_bytes | 0     |
      | payload_written_count  | 1     |
      | committed              | 4212  |
    When the 'writer' process connects to buffer 'writer-over'
    And the 'writer' process writes frame with size '200' and sequence '1'
    Then the 'reader' process should read frame with sequence '1' and size '100'
    And the 'reader' process should read frame with sequence '1' and size '200'

  @clause:7.5 @clause:8.3
  Scenario: 20.4 A reader is of no use after its end
    Given the 'reader' process creates buffer 'reader-over' with metadata size '64' and payload size '4096'
    When the 'writer' process connects to buffer 'reader-over'
    And the 'writer' process writes metadata with size '10'
    And the 'writer' process writes frame with size '100' and sequence '1'
    And the 'reader' process closes its reader of buffer 'reader-over' and uses it all the same
    Then the 'reader' process should have been told 'closed' each time
    And no object of buffer 'reader-over' should exist

  @clause:7.5 @clause:8.3
  Scenario: 20.5 A reader that is closed while it waits is told at once
    Given the 'reader' process creates buffer 'closed-reading' with metadata size '0' and payload size '4096'
    When the 'writer' process connects to buffer 'closed-reading'
    And the 'reader' process starts waiting for a frame
    Then the 'reader' process should be blocked
    When the 'reader' process closes buffer 'closed-reading'
    Then the 'reader' process should get error 'closed' within '50' ms of the end of buffer 'closed-reading'
    When the 'writer' process attempts to write '100' byte frame
    Then the 'writer' process should get error 'reader_dead'

  @clause:7.4 @clause:8.3
  Scenario: 20.6 A writer that is closed while it waits is told at once, and leaves no half of a frame
    Given the 'reader' process creates buffer 'closed-writing' with metadata size '64' and payload size '4096'
    When the 'writer' process connects to buffer 'closed-writing'
    And the 'writer' process writes '2' frames of size '2032' in a row
    And the 'writer' process starts writing frame with size '1000'
    Then the 'writer' process should be blocked
    When the 'writer' process closes its writer of buffer 'closed-writing' and uses it all the same
    Then the 'writer' process should have been told 'closed' each time
    And the 'writer' process should get error 'closed'
    And the header of buffer 'closed-writing' should show:
      | field                  | value |
      | writer_pid             | 0     |
      | payload_free_bytes     | 0     |
      | payload_written_count  | 2     |
      | metadata_written_bytes | 0     |
    And the sign of life of the writer of buffer 'closed-writing' should be free
    When the 'reader' process reads '2' frames in a row
    Then the 'reader' process should verify the content of all frames

  @duplex @clause:9.2
  Scenario: 20.7 A server that answers already is not started again
    Given the 'server' process creates immutable duplex channel 'duplex-once' with default config
    And the 'server' process starts echo handler
    When the 'server' process tries to start a handler again
    Then the 'server' process should get error 'busy'
    When the 'client' process creates duplex channel client 'duplex-once'
    And the 'client' process sends request with size '100'
    Then response should match request with size '100'

  @duplex @clause:8.3 @clause:9.3
  Scenario: 20.8 Neither side of a channel is of use after its end
    Given the 'server' process creates immutable duplex channel 'duplex-over' with default config
    When the 'client' process creates duplex channel client 'duplex-over'
    And the 'client' process closes its channel
    And the 'client' process tries to receive a response
    Then the 'client' process should get error 'closed'
    When the 'server' process stops its channel
    And the 'server' process tries to start a handler again
    Then the 'server' process should get error 'closed'
