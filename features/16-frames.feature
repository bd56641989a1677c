Feature: Frames
  Held, abandoned, released out of order, of every size, at every tail.

  Background:
    Given the test environment is initialized
    And all processes are ready

  @clause:5.5
  Scenario: 16.1 An abandoned zero-copy frame leaves no hole
    Given the 'reader' process creates buffer 'abandoned' with metadata size '0' and payload size '4096'
    When the 'writer' process connects to buffer 'abandoned'
    And the 'writer' process writes frame with size '100' and sequence '1'
    And the 'writer' process requests zero-copy frame of size '1000'
    And the 'writer' process fills zero-copy buffer with test pattern
    And the 'writer' process abandons zero-copy frame
    Then the header of buffer 'abandoned' should show:
      | field                 | value |
      | payload_free_bytes    | 3980  |
      | payload_write_pos     | 116   |
      | payload_written_count | 1     |
    And the data semaphore of buffer 'abandoned' should stand at '1'
    When the 'writer' process writes frame with size '200' and sequence '2'
    Then the 'reader' process should read frame with sequence '1' and size '100'
    And the 'reader' process should read frame with sequence '2' and size '200'
    And the 'reader' process should validate frame data

  @clause:4.4 @clause:4.6 @clause:4.7
  Scenario Outline: 16.2 Frames of '<sizes>' bytes meet a tail of '<tail>' bytes again and again
    Given the 'reader' process creates buffer 'tails' with metadata size '0' and payload size '1024'
    When the 'writer' process connects to buffer 'tails'
    And the 'writer' process writes '60' frames with sizes '<sizes>' as fast as possible
    And the 'reader' process reads '60' frames in a row
    Then the 'reader' process should verify the content of all frames
    And the header of buffer 'tails' should show:
      | field              | value |
      | payload_free_bytes | <free> |

    Examples: a tail that cannot be avoided
      | tail | sizes   | free |
      | 0    | 300,692 | 1024 |
      | 1    | 300,691 | 1024 |
      | 8    | 300,684 | 1024 |
      | 15   | 300,677 | 1024 |
      | 16   | 300,676 | 1024 |
      | 17   | 300,675 | 1024 |

    Examples: a tail that a writer avoids
      | tail | sizes       | free |
      | 0    | 284,284,408 | 1024 |
      | 1    | 284,284,407 | 1024 |
      | 8    | 284,284,400 | 1024 |
      | 15   | 284,284,393 | 1024 |
      | 16   | 284,284,392 | 1024 |
      | 17   | 284,284,391 | 1024 |

    Examples: large and small in turn
      | tail | sizes     | free |
      | 91   | 900,1,900 | 1024 |

  @clause:4.6
  Scenario: 16.3 A writer never leaves a tail without room for a marker if it can help it
    Given the 'reader' process creates buffer 'short-tail' with metadata size '0' and payload size '1024'
    When the 'writer' process connects to buffer 'short-tail'
    And the 'writer' process writes '2' frames of size '284' in a row
    And the 'reader' process reads '2' frames in a row
    And the 'writer' process writes frame with size '400' and sequence '3'
    Then the frame header at '600' of buffer 'short-tail' should show size '0' and sequence '0'
    And the frame header at '0' of buffer 'short-tail' should show size '400' and sequence '3'
    And the 'reader' process should read frame with sequence '3' and size '400'
    And the 'reader' process should validate frame data

  @corruption @clause:4.7
  Scenario: 16.4 A reader takes a tail without room for a marker as a wrap
    Given the 'reader' process creates buffer 'foreign-tail' with metadata size '0' and payload size '128'
    When another implementation wrote frames of '48' and '40' bytes into buffer 'foreign-tail'
    Then the 'reader' process should read frame with sequence '1' and size '48'
    And the 'reader' process should validate frame data
    And the 'reader' process should read frame with sequence '2' and size '40'
    And the 'reader' process should validate frame data
    When another implementation wrote a frame of '20' bytes at the start of buffer 'foreign-tail', without a marker
    Then the 'reader' process should read frame with sequence '3' and size '20'
    And the 'reader' process should validate frame data
    And the header of buffer 'foreign-tail' should show:
      | field              | value |
      | payload_read_count | 3     |

  @slow @clause:4.4
  Scenario: 16.5 Twenty thousand frames of random sizes arrive unharmed
    Given the 'reader' process creates buffer 'random-sizes' with metadata size '0' and payload size '10240'
    When the 'writer' process connects to buffer 'random-sizes'
    And the 'writer' process writes '20000' frames of random sizes from '1' to '2000' as fast as possible
    And the 'reader' process reads '20000' frames in a row
    Then the 'reader' process should verify the content of all frames
    And no sequence errors should have occurred
    And the header of buffer 'random-sizes' should show:
      | field              | value |
      | payload_free_bytes | 10240 |

  @clause:6.5
  Scenario: 16.6 Frames held together and released out of order return their space in ring order
    Given the 'reader' process creates buffer 'held' with metadata size '0' and payload size '1024'
    When the 'writer' process connects to buffer 'held'
    And the 'writer' process writes '3' frames of size '240' in a row
    And the 'reader' process holds '3' frames
    Then the header of buffer 'held' should show:
      | field              | value |
      | payload_free_bytes | 256   |
    When the 'reader' process releases held frame '2'
    Then the header of buffer 'held' should show:
      | field              | value |
      | payload_free_bytes | 256   |
    And the 'reader' process should find held frame '1' unharmed
    When the 'reader' process releases held frame '1'
    Then the header of buffer 'held' should show:
      | field              | value |
      | payload_free_bytes | 768   |
    And the 'reader' process should find held frame '3' unharmed
    When the 'reader' process releases held frame '3'
    Then the header of buffer 'held' should show:
      | field              | value |
      | payload_free_bytes | 1024  |

  @clause:5.2 @clause:6.5
  Scenario: 16.7 A frame that is held stays as it is while the writer fills all the rest
    Given the 'reader' process creates buffer 'untouched' with metadata size '0' and payload size '4288'
    When the 'writer' process connects to buffer 'untouched'
    And the 'writer' process writes frame with size '1100' and sequence '1'
    And the 'reader' process holds '1' frames
    And the 'writer' process writes frames until buffer is full
    Then the 'reader' process should find held frame '1' unharmed
    And the 'writer' process should experience timeout on next write
    When the 'reader' process releases held frame '1'
    Then the 'writer' process should write successfully immediately

  @clause:6.5
  Scenario: 16.8 A frame cannot be looked at after its release
    Given the 'reader' process creates buffer 'released' with metadata size '0' and payload size '4096'
    When the 'writer' process connects to buffer 'released'
    And the 'writer' process writes frame with size '1000' and sequence '1'
    And the 'reader' process holds '1' frames
    And the 'reader' process releases held frame '1'
    And the 'reader' process tries to look at held frame '1'
    Then the 'reader' process should get error 'frame_released'

  @clause:5.3
  Scenario: 16.9 Tokens of space do not pile up
    Given the 'reader' process creates buffer 'tokens' with metadata size '0' and payload size '65536'
    When the 'writer' process connects to buffer 'tokens'
    And the 'writer' process writes '2000' frames with sizes '10' as fast as possible
    And the 'reader' process reads '2000' frames in a row
    And the 'writer' process writes '100' frames of size '10' in a row
    Then the space semaphore of buffer 'tokens' should stand at '1000' or less

  @corruption @clause:2.7
  Scenario: 16.10 Counters pass their end and start again
    Given the 'reader' process creates buffer 'counters' with metadata size '0' and payload size '1024'
    And the header of buffer 'counters' is overwritten:
      | field                 | value                |
      | payload_written_count | 18446744073709551614 |
      | payload_read_count    | 18446744073709551614 |
    When the 'writer' process connects to buffer 'counters'
    And the 'writer' process writes '5' frames of size '100' in a row
    And the 'reader' process reads '5' frames in a row
    Then the header of buffer 'counters' should show:
      | field                 | value |
      | payload_written_count | 3     |
      | payload_read_count    | 3     |
      | payload_free_bytes    | 1024  |
    And the 'reader' process should verify the content of all frames

  @slow @clause:6.5
  Scenario: 16.11 A slow consumer of big frames sees each of them whole
    Given the 'reader' process creates buffer 'big-frames' with metadata size '0' and payload size '10485760'
    When the 'writer' process connects to buffer 'big-frames'
    And the 'writer' process writes '12' frames with sizes '4000000,1000000,2500000' as fast as possible
    And the 'reader' process reads frames with '50' ms delay between each read
    Then the 'reader' process should have read '12' frames
    And the 'reader' process should verify the content of all frames

  @clause:6.1 @clause:11.5
  Scenario: 16.12 A reader takes one token for each frame, and leaves the others
    Given the 'reader' process creates buffer 'one-each' with metadata size '0' and payload size '1024'
    When the 'writer' process connects to buffer 'one-each'
    And the 'writer' process writes '3' frames of size '100' in a row
    Then the 'reader' process should read frame with sequence '1' and size '100'
    And the data semaphore of buffer 'one-each' should stand at '2'
    And the 'reader' process should read frame with sequence '2' and size '100'
    And the data semaphore of buffer 'one-each' should stand at '1'
