Feature: Edge cases
  Sizes at the limits, wraps, full buffers and names taken at the same moment.

  Background:
    Given the test environment is initialized
    And all processes are ready

  @clause:4.4
  Scenario: 4.1 Frames of nine tenths of the buffer and of one byte alternate without a deadlock
    Given the 'reader' process creates buffer 'alternate' with metadata size '0' and payload size '10240'
    When the 'writer' process connects to buffer 'alternate'
    And the 'writer' process writes large frame using '90%' of buffer
    And the 'writer' process writes small frame of '1' byte
    And the 'writer' process attempts to write large frame again
    Then the 'writer' process proper wrap-around handling should occur
    When the 'reader' process wakes and processes all frames
    Then the 'writer' process no deadlocks should happen
    And the 'writer' process proper wrap-around handling should occur

  @clause:5.1 @clause:6.1
  Scenario: 4.2 Ten quick frames count ten on the semaphore, and one reader takes them all
    Given the 'reader' process creates buffer 'counting' with default config
    When the 'writer' process connects to buffer 'counting'
    And the 'writer' process writes '10' frames rapidly without reader consuming
    Then the 'writer' process the semaphore count should represent pending frames
    When the 'reader' process wakes and processes all frames
    Then the 'reader' process all frames should be read correctly
    And the 'reader' process the coalesced signals should be handled properly

  @clause:3.3
  Scenario: 4.3 A buffer without a metadata block refuses metadata and passes frames
    Given the 'reader' process creates buffer 'zero-metadata' with metadata size '0' and payload size '10240'
    When the 'writer' process connects to buffer 'zero-metadata'
    And the 'writer' process attempts to write metadata
    Then the 'writer' process metadata write should fail appropriately
    When the 'writer' process writes frame without metadata
    Then the 'writer' process should verify frame write succeeded
    And the 'reader' process should verify system works correctly without metadata

  @clause:4.8
  Scenario: 4.4 The smallest buffer takes what fits and refuses what never will
    Given the 'reader' process creates buffer 'tiny' with minimum viable size '64'
    When the 'writer' process connects to buffer 'tiny'
    And the 'writer' process writes single byte frame
    Then the 'writer' process should verify write succeeded
    When the 'writer' process attempts to write '49' byte frame
    Then the 'writer' process should receive FrameTooLargeException

  @clause:5.2
  Scenario: 4.5 One hundred frames pass a slow reader through a buffer of one kilobyte
    Given the 'reader' process creates buffer 'slow-reader' with metadata size '0' and payload size '1024'
    When the 'writer' process connects to buffer 'slow-reader'
    And the 'writer' process writes continuously at high speed
    And the 'reader' process reads with '25' ms delay per frame
    And the 'reader' process the test runs for '100' frames
    Then the 'reader' process should receive all frames without loss
    And the 'writer' process should block appropriately
    And the 'writer' process flow control should work correctly

  @clause:4.5 @clause:5.2
  Scenario: 4.6 One frame fills the buffer to the last byte
    Given the 'reader' process creates buffer 'exact-fit' with metadata size '0' and payload size '10240'
    When the 'writer' process connects to buffer 'exact-fit'
    And the 'writer' process writes frame with size '10224' and sequence '1'
    Then the header of buffer 'exact-fit' should show:
      | field                 | value |
      | payload_free_bytes    | 0     |
      | payload_write_pos     | 0     |
      | payload_written_count | 1     |
    When the 'writer' process attempts to write '1' byte frame
    Then the 'writer' process should get error 'buffer_full' with size '1', needed '17' and free '0'
    When the 'reader' process reads one frame
    And the 'reader' process signals space available
    And the 'writer' process writes frame with size '10224' and sequence '2'
    Then the 'reader' process should read frame with sequence '2' and size '10224'
    And the 'reader' process should validate frame data

  @clause:4.1 @clause:4.10
  Scenario: 4.7 A frame of no bytes is refused; a frame of one byte costs seventeen
    Given the 'reader' process creates buffer 'smallest-frame' with metadata size '0' and payload size '1024'
    When the 'writer' process connects to buffer 'smallest-frame'
    And the 'writer' process attempts to write '0' byte frame
    Then the 'writer' process should get error 'invalid_frame_size' with value '0' and limit '1008'
    And the data semaphore of buffer 'smallest-frame' should stand at '0'
    When the 'writer' process writes frame with size '1' and sequence '1'
    Then the header of buffer 'smallest-frame' should show:
      | field              | value |
      | payload_free_bytes | 1007  |
      | payload_write_pos  | 17    |
    And the 'reader' process should read frame with sequence '1' and size '1'
    And the 'reader' process should validate frame data

  @clause:4.4 @clause:5.2
  Scenario: 4.8 A frame that must wait for the reader is then written at the start
    Given the 'reader' process creates buffer 'wrap-waits' with metadata size '0' and payload size '10240'
    When the 'writer' process connects to buffer 'wrap-waits'
    And the 'writer' process writes frame with size '4096' and sequence '1'
    And the 'writer' process writes frame with size '4096' and sequence '2'
    And the 'writer' process starts writing frame with size '3000'
    Then the 'writer' process should be blocked
    When the 'reader' process reads one frame
    And the 'reader' process signals space available
    Then the 'writer' process should finish what it started
    And the header of buffer 'wrap-waits' should show:
      | field                 | value |
      | payload_write_pos     | 3016  |
      | payload_written_count | 4     |
      | payload_free_bytes    | 1096  |
    And the 'reader' process should read frame with sequence '2' and size '4096'
    And the 'reader' process should validate frame data
    And the 'reader' process should read frame with sequence '3' and size '3000'
    And the 'reader' process should validate frame data

  @slow @clause:4.4
  Scenario: 4.9 Ten thousand frames through room for nine
    Given the 'reader' process creates buffer 'ten-thousand' with metadata size '0' and payload size '10240'
    When the 'writer' process connects to buffer 'ten-thousand'
    And the 'writer' process writes '10000' frames of size '1024' as fast as possible
    And the 'reader' process reads frames with '0' ms delay between each read
    Then the 'reader' process should have read '10000' frames
    And the 'reader' process should verify the content of all frames
    And no sequence errors should have occurred

  @process @clause:1.2
  Scenario: 4.10 A second writer is refused however full the buffer is
    Given the 'reader' process creates buffer 'fill-level' with metadata size '0' and payload size '10240'
    When the 'writer' process connects to buffer 'fill-level'
    And the 'writer' process fills buffer to '80%' capacity
    And the 'writer' process a second writer process attempts to connect to buffer 'fill-level'
    Then the 'writer' process the second writer should fail with writer exists error
    When the 'writer' process continues filling buffer to '100%'
    Then the 'writer' process should block waiting for space
    When the 'reader' process wakes and processes all frames
    Then the 'writer' process no deadlocks should happen

  @process @clause:7.1 @clause:16.3
  Scenario: 4.11 Of two readers that create one name at the same moment exactly one wins
    When the 'reader' process races a second creator for buffer 'race' '50' times
    Then the 'reader' process should have exactly one winner and one 'buffer_in_use' in every race
    And no object of buffer 'race' should exist

  @clause:7.3
  Scenario: 4.12 A writer that comes before the reader finds no buffer
    When the 'writer' process attempts to connect to buffer 'too-early'
    Then the 'writer' process should get error 'not_found'
    Given the 'reader' process creates buffer 'too-early' with default config
    When the 'writer' process connects to buffer 'too-early'
    And the 'writer' process writes frame with data 'better late'
    Then the 'reader' process should read frame with data 'better late'

  @clause:4.9
  Scenario: 4.13 A frame that can never be written at this position is refused at once
    Given the 'reader' process creates buffer 'never-fits' with metadata size '0' and payload size '10240'
    When the 'writer' process connects to buffer 'never-fits'
    And the 'writer' process writes frame with size '6144' and sequence '1'
    And the 'reader' process reads one frame
    And the 'reader' process signals space available
    And the 'writer' process attempts to write '7168' byte frame
    Then the 'writer' process should get error 'frame_unwritable' within '50' ms
    When the 'writer' process writes frame with size '6144' and sequence '2'
    Then the 'reader' process should read frame with sequence '2' and size '6144'
    And the 'reader' process should validate frame data

  @clause:4.9 @clause:8.3
  Scenario Outline: 4.14 Behind a frame of '<first>' bytes the refusal says what fits now, and what always does
    Given the 'reader' process creates buffer 'what-fits' with metadata size '0' and payload size '10240'
    When the 'writer' process connects to buffer 'what-fits'
    And the 'writer' process writes frame with size '<first>' and sequence '1'
    And the 'writer' process attempts to write '<size>' byte frame
    Then the 'writer' process should get error 'frame_unwritable' with fits_now '<now>' and always_fits '5104'

    Examples:
      | first | size  | now  |
      | 6144  | 7168  | 6144 |
      | 1024  | 10000 | 9184 |
