@corruption
Feature: Hostile memory
  Whatever bytes stand in the segment: a specific error, never a crash, a hang or a wild read.

  Background:
    Given the test environment is initialized
    And all processes are ready

  @clause:2.4 @clause:2.5
  Scenario Outline: 18.1 A writer does not trust '<field>' = '<value>' when it connects
    Given the 'reader' process creates buffer 'hostile-connect' with metadata size '64' and payload size '1024'
    When the header of buffer 'hostile-connect' is overwritten:
      | field   | value   |
      | <field> | <value> |
    And the 'writer' process tries to connect to buffer 'hostile-connect' and to write
    Then the 'writer' process should get error 'invalid_oieb' with field '<field>', value '<value>' and limit '<limit>'

    Examples:
      | field              | value                | limit |
      | payload_free_bytes | 1025                 | 1024  |
      | payload_free_bytes | 18446744073709551615 | 1024  |
      | payload_write_pos  | 1025                 | 1024  |
      | payload_write_pos  | 18446744073709551615 | 1024  |
      | metadata_size      | 65                   | 1088  |

  @clause:2.5 @clause:11.3
  Scenario Outline: 18.2 A writer does not trust '<field>' = '<value>' while it is connected
    Given the 'reader' process creates buffer 'hostile-write' with metadata size '64' and payload size '1024'
    When the 'writer' process connects to buffer 'hostile-write'
    And the 'writer' process writes frame with size '100' and sequence '1'
    And the header of buffer 'hostile-write' is overwritten:
      | field   | value   |
      | <field> | <value> |
    And the 'writer' process attempts to write '500' byte frame
    Then the 'writer' process should get error '<error>'

    Examples:
      | field              | value                | error        |
      | payload_free_bytes | 1025                 | invalid_oieb |
      | payload_free_bytes | 18446744073709551615 | invalid_oieb |
      | reader_pid         | 0                    | reader_dead  |

  @clause:3.5
  Scenario Outline: 18.3 A reader does not trust a length of '<length>' bytes before the metadata
    Given the 'reader' process creates buffer 'hostile-metadata' with metadata size '64' and payload size '1024'
    When the 'writer' process connects to buffer 'hostile-metadata'
    And the 'writer' process writes metadata with size '10'
    And the '8' bytes at '128' of buffer 'hostile-metadata' are overwritten with '<length>'
    And the 'reader' process tries to read metadata
    Then the 'reader' process should get error 'invalid_oieb' with field 'metadata length', value '<length>' and limit '10'

    Examples:
      | length               |
      | 57                   |
      | 9223372036854775808  |
      | 18446744073709551615 |

  @clause:2.5 @clause:6.3
  Scenario: 18.4 Markers without end do not hold the reader
    Given the 'reader' process creates buffer 'endless' with metadata size '0' and payload size '1024'
    When the 'writer' process connects to buffer 'endless'
    And the 'writer' process writes frame with size '100' and sequence '1'
    And the frame header at '0' of buffer 'endless' is overwritten with size '0' and sequence '0'
    And the 'reader' process tries to read a frame
    Then the 'reader' process should get error 'invalid_frame_size' with value '0' and limit '1008'

  @clause:2.5 @clause:6.4
  Scenario: 18.5 A token without a frame does not make one
    Given the 'reader' process creates buffer 'phantom' with metadata size '0' and payload size '1024'
    When the 'writer' process connects to buffer 'phantom'
    And the 'writer' process writes frame with size '100' and sequence '1'
    And the 'reader' process reads one frame
    And the data semaphore of buffer 'phantom' is posted once more
    And the 'reader' process tries to read a frame
    Then the 'reader' process should get error 'sequence_error' with expected '2' and seen '1'

  @clause:2.4
  Scenario: 18.6 A segment cut short refuses the connection
    Given the 'reader' process creates buffer 'cut-short' with metadata size '64' and payload size '1024'
    When the segment of buffer 'cut-short' is cut to '64' bytes
    And the 'writer' process attempts to connect to buffer 'cut-short'
    Then the 'writer' process should get error 'invalid_oieb' with limit '128'

  @clause:1.4 @clause:8.2
  Scenario Outline: 18.7 A <what> whose word at '<offset>' is '<value>' refuses the connection
    Given the 'reader' process creates buffer 'no-semaphore' with metadata size '64' and payload size '1024'
    When the word at '<offset>' of the <what> of buffer 'no-semaphore' is overwritten with '<value>'
    And the 'writer' process attempts to connect to buffer 'no-semaphore'
    Then the 'writer' process should get error 'invalid_oieb' without trying again
    And the header of buffer 'no-semaphore' should show:
      | field      | value |
      | writer_pid | 0     |

    Examples:
      | what            | offset | value      |
      | data semaphore  | 0      | 2147483648 |
      | data semaphore  | 8      | 1          |
      | space semaphore | 0      | 4294967295 |
      | space semaphore | 8      | 1          |

  @clause:1.4
  Scenario Outline: 18.8 A <what> cut short refuses the connection
    Given the 'reader' process creates buffer 'half-semaphore' with metadata size '64' and payload size '1024'
    When the <what> of buffer 'half-semaphore' is cut to '31' bytes
    And the 'writer' process attempts to connect to buffer 'half-semaphore'
    Then the 'writer' process should get error 'invalid_oieb' without trying again

    Examples:
      | what            |
      | data semaphore  |
      | space semaphore |

  @clause:2.5
  Scenario Outline: 18.9 A reader does not trust 'payload_read_pos' = '<value>'
    Given the 'reader' process creates buffer 'hostile-read' with metadata size '0' and payload size '1024'
    When the 'writer' process connects to buffer 'hostile-read'
    And the 'writer' process writes '2' frames of size '100' in a row
    Then the 'reader' process should read frame with sequence '1' and size '100'
    When the header of buffer 'hostile-read' is overwritten:
      | field            | value   |
      | payload_read_pos | <value> |
    And the 'reader' process tries to read a frame
    Then the 'reader' process should have got error 'invalid_oieb', or frame '2'

    Examples:
      | value                |
      | 1025                 |
      | 18446744073709551615 |

  @process @crash @clause:2.5 @clause:15.1
  Scenario: 18.10 A reader settles nothing where its own position cannot be true
    Given the 'reader' process creates buffer 'no-place' with metadata size '0' and payload size '1024'
    When the 'writer' process connects to buffer 'no-place'
    And the 'writer' process writes frame with size '100' and sequence '1'
    And the 'writer' process is killed
    Then the 'reader' process should read frame with sequence '1' and size '100'
    When the header of buffer 'no-place' is overwritten:
      | field            | value |
      | payload_read_pos | 1025  |
    And the 'reader' process tries to read a frame
    Then the 'reader' process should get error 'writer_dead'
    And the header of buffer 'no-place' should show:
      | field             | value |
      | payload_write_pos | 116   |

  @clause:1.4 @clause:6.5
  Scenario: 18.11 A semaphore that holds the most it can gets no token more
    Given the 'reader' process creates buffer 'most-tokens' with metadata size '0' and payload size '1024'
    When the 'writer' process connects to buffer 'most-tokens'
    And the 'writer' process writes frame with size '100' and sequence '1'
    And the word at '0' of the space semaphore of buffer 'most-tokens' is overwritten with '2147483647'
    Then the 'reader' process should read frame with sequence '1' and size '100'
    When the 'reader' process signals space available
    Then the space semaphore of buffer 'most-tokens' should stand at '2147483647'
    When the 'writer' process writes frame with size '500' and sequence '2'
    Then the 'reader' process should read frame with sequence '2' and size '500'

  @clause:2.4 @clause:7.3
  Scenario: 18.12 A buffer of another version is refused at once, be its reader the very first process
    Given the 'reader' process creates buffer 'of-the-first' with metadata size '0' and payload size '1024'
    When the header of buffer 'of-the-first' is overwritten:
      | field         | value |
      | version_major | 0     |
      | reader_pid    | 1     |
    And the 'writer' process attempts to connect to buffer 'of-the-first'
    Then the 'writer' process should get error 'version_mismatch' without trying again, with value '0'

  @clause:2.4 @clause:2.5 @clause:11.3
  Scenario Outline: 18.13 What is said of '<field>' = '<value>' is what stands there
    Given the 'reader' process creates buffer 'told-why' with metadata size '64' and payload size '1024'
    When the 'writer' process connects to buffer 'told-why'
    And the header of buffer 'told-why' is overwritten:
      | field   | value   |
      | <field> | <value> |
    And the 'writer' process attempts to write '500' byte frame
    Then the 'writer' process should get error 'invalid_oieb' with field '<field>', value '<value>' and limit '1024'

    Examples:
      | field              | value |
      | payload_free_bytes | 1025  |
      | payload_write_pos  | 1026  |
      | released           | 1025  |

  @clause:3.5
  Scenario Outline: 18.14 A reader does not trust '<value>' bytes of metadata
    Given the 'reader' process creates buffer 'no-content' with metadata size '64' and payload size '1024'
    When the header of buffer 'no-content' is overwritten:
      | field                  | value   |
      | metadata_written_bytes | <value> |
    And the 'reader' process tries to read metadata
    Then the 'reader' process should get error 'invalid_oieb' with field 'metadata_written_bytes', value '<value>' and limit '64'

    Examples:
      | value                |
      | 7                    |
      | 8                    |
      | 65                   |
      | 18446744073709551615 |

  @crash @clause:14.2
  Scenario: 18.15 What a dead writer cannot have committed is left alone, and the next one goes on where it stood
    Given the 'reader' process creates buffer 'left-alone' with metadata size '0' and payload size '4096'
    When the 'writer' process connects to buffer 'left-alone'
    And the 'writer' process writes frame with size '1000' and sequence '1'
    And the 'writer' process is killed
    And the header of buffer 'left-alone' is overwritten:
      | field     | value  |
      | committed | 999999 |
    And a new 'writer' process connects to buffer 'left-alone'
    Then the header of buffer 'left-alone' should show:
      | field              | value |
      | payload_write_pos  | 1016  |
      | payload_free_bytes | 3080  |
      | committed          | 5112  |
    When the 'writer' process writes frame with size '1000' and sequence '1'
    Then the 'reader' process should read frame with sequence '1' and size '1000'
    And the 'reader' process should read frame with sequence '1' and size '1000'

  @clause:2.4
  Scenario: 18.16 A buffer that is all metadata has no room for a frame, and is none
    Given the 'reader' process creates buffer 'no-ring' with metadata size '64' and payload size '1024'
    When the header of buffer 'no-ring' is overwritten:
      | field         | value |
      | metadata_size | 1088  |
      | payload_size  | 0     |
    And the 'writer' process attempts to connect to buffer 'no-ring'
    Then the 'writer' process should get error 'invalid_oieb' without trying again, with field 'payload_size', value '0' and limit '0'
