Feature: Synchronisation
  One token per frame: nothing is lost, nothing is seen twice, and a gap is noticed.

  Background:
    Given the test environment is initialized
    And all processes are ready

  @corruption @clause:6.4
  Scenario: 6.1 A gap in the sequence is an error that names both numbers
    Given the 'reader' process creates buffer 'gap' with metadata size '0' and payload size '10240'
    When the 'writer' process connects to buffer 'gap'
    And the 'writer' process writes '3' frames of size '100' in a row
    And the frame header at '232' of buffer 'gap' is overwritten with size '100' and sequence '5'
    Then the 'reader' process should read frame with sequence '1' and size '100'
    And the 'reader' process should read frame with sequence '2' and size '100'
    When the 'reader' process tries to read a frame
    Then the 'reader' process should get error 'sequence_error' with expected '3' and seen '5'

  @clause:6.1
  Scenario: 6.2 A burst of fifty frames waits unharmed for a reader that comes a second later
    Given the 'reader' process creates buffer 'burst' with metadata size '0' and payload size '65536'
    When the 'writer' process connects to buffer 'burst'
    And the 'writer' process writes '50' frames of size '1024' in a row
    And wait for '1' seconds
    And the 'reader' process reads '50' frames in a row
    Then the 'reader' process should verify the content of all frames
    And the 'reader' process should verify all frames have sequential sequence numbers starting from '1'

  @clause:5.2
  Scenario: 6.3 A writer without pause is held to the pace of its reader
    Given the 'reader' process creates buffer 'paced' with metadata size '0' and payload size '1100'
    When the 'writer' process connects to buffer 'paced'
    And the 'writer' process writes '12' frames of size '512' as fast as possible
    And the 'reader' process reads frames with '100' ms delay between each read
    Then the 'reader' process should have read '12' frames
    And the 'reader' process should verify the content of all frames
    And the 'writer' process should have needed at least '800' ms for its frames
    And flow control should work correctly
    And the header of buffer 'paced' should show:
      | field              | value |
      | payload_free_bytes | 1152  |

  @clause:6.1 @clause:6.5
  Scenario: 6.4 Two frames written before the reader wakes are both read
    Given the 'reader' process creates buffer 'two-frames' with metadata size '0' and payload size '10240'
    When the 'writer' process connects to buffer 'two-frames'
    And the 'writer' process writes frame with size '1024' and sequence '1'
    And the 'writer' process writes frame with size '2048' and sequence '2'
    Then the 'reader' process should read frame with sequence '1' and size '1024'
    And the 'reader' process should read frame with sequence '2' and size '2048'
    When the 'reader' process signals space available
    Then the header of buffer 'two-frames' should show:
      | field                 | value |
      | payload_written_count | 2     |
      | payload_read_count    | 2     |
      | payload_free_bytes    | 10240 |
    And the data semaphore of buffer 'two-frames' should stand at '0'

  @corruption @clause:6.4 @clause:12.3
  Scenario: 6.5 A sequence that starts again without a new writer is an error
    Given the 'reader' process creates buffer 'again' with metadata size '0' and payload size '10240'
    When the 'writer' process connects to buffer 'again'
    And the 'writer' process writes frame with size '100' and sequence '1'
    And the 'reader' process reads one frame
    And the 'writer' process writes frame with size '100' and sequence '2'
    And the frame header at '116' of buffer 'again' is overwritten with size '100' and sequence '1'
    And the 'reader' process tries to read a frame
    Then the 'reader' process should get error 'sequence_error' with expected '2' and seen '1'

  @corruption @clause:11.5
  Scenario: 6.6 A frame that is refused stays one that is pending
    Given the 'reader' process creates buffer 'refused' with metadata size '0' and payload size '10240'
    When the 'writer' process connects to buffer 'refused'
    And the 'writer' process writes '3' frames of size '100' in a row
    And the frame header at '116' of buffer 'refused' is overwritten with size '100' and sequence '5'
    And the 'reader' process reads one frame
    And the 'reader' process tries to read a frame
    Then the 'reader' process should get error 'sequence_error' with expected '2' and seen '5'
    And the data semaphore of buffer 'refused' should stand at '2'
