Feature: Protocol compliance
  Field by field and byte by byte, as another implementation would see it.

  Background:
    Given the test environment is initialized
    And all processes are ready

  @clause:2.1 @clause:3.2 @clause:5.1 @clause:6.2 @clause:6.5 @clause:7.4
  Scenario: 12.1 The header follows every operation
    Given the 'reader' process creates buffer 'fields' with metadata size '1024' and payload size '10240'
    Then the header of buffer 'fields' should show:
      | field                  | value |
      | oieb_size              | 128   |
      | version_major          | 1     |
      | version_minor          | 0     |
      | version_patch          | 0     |
      | metadata_size          | 1024  |
      | metadata_free_bytes    | 1024  |
      | metadata_written_bytes | 0     |
      | payload_size           | 10240 |
      | payload_free_bytes     | 10240 |
      | payload_write_pos      | 0     |
      | payload_read_pos       | 0     |
      | payload_written_count  | 0     |
      | payload_read_count     | 0     |
      | writer_pid             | 0     |
    And the header of buffer 'fields' should name the 'reader' process as its reader
    When the 'writer' process connects to buffer 'fields'
    And the 'writer' process writes metadata with size '100'
    Then the header of buffer 'fields' should show:
      | field                  | value |
      | metadata_free_bytes    | 916   |
      | metadata_written_bytes | 108   |
    And the header of buffer 'fields' should name the 'writer' process as its writer
    When the 'writer' process writes frame with size '1000' and sequence '1'
    Then the header of buffer 'fields' should show:
      | field                 | value |
      | payload_free_bytes    | 9224  |
      | payload_write_pos     | 1016  |
      | payload_read_pos      | 0     |
      | payload_written_count | 1     |
      | payload_read_count    | 0     |
    And the data semaphore of buffer 'fields' should stand at '1'
    When the 'reader' process reads one frame
    Then the header of buffer 'fields' should show:
      | field                 | value |
      | payload_free_bytes    | 9224  |
      | payload_write_pos     | 1016  |
      | payload_read_pos      | 1016  |
      | payload_written_count | 1     |
      | payload_read_count    | 1     |
    And the space semaphore of buffer 'fields' should stand at '0'
    When the 'reader' process signals space available
    Then the header of buffer 'fields' should show:
      | field              | value |
      | payload_free_bytes | 10240 |
    And the data semaphore of buffer 'fields' should stand at '0'
    And the space semaphore of buffer 'fields' should stand at '1'
    When the 'writer' process closes buffer 'fields'
    Then the header of buffer 'fields' should show:
      | field      | value |
      | writer_pid | 0     |

  @clause:2.3
  Scenario Outline: 12.2 Sizes (<metadata>, <payload>) are rounded up to (<metadata got>, <payload got>)
    Given the 'reader' process creates buffer 'aligned' with metadata size '<metadata>' and payload size '<payload>'
    Then the header of buffer 'aligned' should show:
      | field              | value          |
      | metadata_size      | <metadata got> |
      | payload_size       | <payload got>  |
      | payload_free_bytes | <payload got>  |
    And the segment of buffer 'aligned' should be '<length>' bytes long

    Examples:
      | metadata | payload | metadata got | payload got | length |
      | 1        | 100     | 64           | 128         | 320    |
      | 0        | 64      | 0            | 64          | 192    |
      | 65       | 1000    | 128          | 1024        | 1280   |
      | 1024     | 10240   | 1024         | 10240       | 11392  |

  @clause:1.5
  Scenario: 12.3 The lock is really held while the reader lives and gone when it ends
    Given the 'reader' process comes upon a stale 'lock' of buffer 'locked' that a dead process left
    When the 'reader' process creates buffer 'locked' with default config
    Then the lock of buffer 'locked' should be held
    When the 'reader' process closes buffer 'locked'
    Then no object of buffer 'locked' should exist

  @clause:1.3 @clause:1.4
  Scenario Outline: 12.4 The semaphores of a buffer named by <kind> carry its name
    When the 'reader' process creates buffer '<name>' with default config
    And the 'writer' process connects to buffer '<name>'
    And the 'writer' process writes '3' frames of size '10' in a row
    Then every object of buffer '<name>' should exist
    And the data semaphore of buffer '<name>' should stand at '3'
    When the 'reader' process reads '3' frames in a row
    Then the 'reader' process should verify the content of all frames

    Examples:
      | kind           | name                                 |
      | a UUID         | 9f1c2a4e-5b7d-4c3e-8f2a-1b0c9d8e7f6a |
      | mixed signs    | Mixed_Case-1.2.3_final               |

  @clause:2.1 @clause:3.1 @clause:4.1
  Scenario: 12.5 The first frame stands in memory byte for byte
    Given the 'reader' process creates buffer 'bytes' with metadata size '64' and payload size '256'
    When the 'writer' process connects to buffer 'bytes'
    And the 'writer' process writes metadata with size '3'
    And the 'writer' process writes frame with data 'AZ'
    Then the memory of buffer 'bytes' should hold:
      | offset | bytes                                           |
      | 0      | 80 00 00 00 01 00 00 00 40 00 00 00 00 00 00 00 |
      | 16     | 35 00 00 00 00 00 00 00 0b 00 00 00 00 00 00 00 |
      | 32     | 00 01 00 00 00 00 00 00 ee 00 00 00 00 00 00 00 |
      | 48     | 12 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 |
      | 64     | 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 |
      | 128    | 03 00 00 00 00 00 00 00 00 01 02 00             |
      | 192    | 02 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 |
      | 208    | 41 5a 00 00                                     |
    And the 'reader' process should read frame with data 'AZ'
    And the 'reader' process should read metadata with size '3'

  @clause:2.6 @clause:10.3 @clause:14.7
  Scenario: 12.6 Nobody stores into the reserved bytes of another implementation's buffer
    Given another implementation created buffer 'reserved' with payload size '1024'
    When the 'writer' process connects to buffer 'reserved'
    And the 'writer' process writes '3' frames of size '100' in a row
    Then the memory of buffer 'reserved' should hold:
      | offset | bytes                                           |
      | 96     | 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 |
      | 112    | 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 |
    And the header of buffer 'reserved' should show:
      | field                 | value |
      | payload_free_bytes    | 676   |
      | payload_write_pos     | 348   |
      | payload_written_count | 3     |
    And the data semaphore of buffer 'reserved' should stand at '3'
    When the 'writer' process closes buffer 'reserved'
    Then the memory of buffer 'reserved' should hold:
      | offset | bytes                                           |
      | 96     | 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 |
      | 112    | 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 |

  @clause:10.1 @clause:10.2 @clause:11.1 @clause:14.4 @clause:14.8
  Scenario: 12.7 The four words follow every operation, tails included
    Given the 'reader' process creates buffer 'words' with metadata size '0' and payload size '1024'
    Then the header of buffer 'words' should show:
      | field             | value |
      | committed         | 1024  |
      | released          | 1024  |
      | connection_number | 0     |
      | connection_pid    | 0     |
      | stream_start      | 0     |
    When the 'writer' process connects to buffer 'words'
    Then the header of buffer 'words' should show:
      | field             | value |
      | committed         | 1024  |
      | connection_number | 1     |
      | stream_start      | 1024  |
    And the header of buffer 'words' should name the 'writer' process as its connection
    When the 'writer' process writes '2' frames of size '300' in a row
    Then the header of buffer 'words' should show:
      | field     | value |
      | committed | 1656  |
      | released  | 1024  |
    When the 'reader' process reads '2' frames in a row
    And the 'writer' process writes frame with size '400' and sequence '3'
    Then the header of buffer 'words' should show:
      | field             | value |
      | committed         | 2464  |
      | released          | 1656  |
      | payload_write_pos | 416   |
    When the 'reader' process reads one frame
    Then the header of buffer 'words' should show:
      | field     | value |
      | committed | 2464  |
      | released  | 2048  |
    When the 'reader' process signals space available
    And the 'writer' process closes buffer 'words'
    Then the header of buffer 'words' should show:
      | field             | value |
      | committed         | 2464  |
      | released          | 2464  |
      | connection_number | 1     |
      | connection_pid    | 0     |
      | stream_start      | 1024  |
      | writer_pid        | 0     |
    When the 'writer' process connects to buffer 'words'
    Then the header of buffer 'words' should show:
      | field             | value |
      | committed         | 2464  |
      | connection_number | 2     |
      | stream_start      | 2464  |

  @clause:13.1 @clause:13.2 @clause:14.8
  Scenario: 12.8 A sign of life is held as long as its side is there
    Given the 'reader' process creates buffer 'signs' with metadata size '0' and payload size '1024'
    Then the sign of life of the reader of buffer 'signs' should be held
    And the sign of life of the writer of buffer 'signs' should be free
    When the 'writer' process connects to buffer 'signs'
    Then the sign of life of the writer of buffer 'signs' should be held
    When the 'writer' process writes frame with size '100' and sequence '1'
    And the 'reader' process reads one frame
    Then the sign of life of the reader of buffer 'signs' should be held
    And the sign of life of the writer of buffer 'signs' should be held
    When the 'writer' process closes buffer 'signs'
    Then the sign of life of the writer of buffer 'signs' should be free
    And the header of buffer 'signs' should show:
      | field      | value |
      | writer_pid | 0     |
    And the sign of life of the reader of buffer 'signs' should be held
