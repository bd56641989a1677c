Feature: Corruption
  The harness writes into the memory itself; the library names what it finds and never follows it. The field gives numbers
  of this feature to other subjects, too: the Rules say to which.

  Background:
    Given the test environment is initialized
    And all processes are ready

  @corruption @clause:2.4
  Scenario Outline: 5.1 A corrupt header field '<field>' refuses the next connection
    Given the 'reader' process creates buffer 'corrupt-header' with metadata size '1024' and payload size '10240'
    When the 'writer' process connects to buffer 'corrupt-header'
    And the 'writer' process closes buffer 'corrupt-header'
    And the header of buffer 'corrupt-header' is overwritten:
      | field   | value   |
      | <field> | <value> |
    And the 'writer' process attempts to connect to buffer 'corrupt-header'
    Then the 'writer' process should get error '<error>' without trying again, with <details>

    Examples:
      | field         | value                | error            | details                                                               |
      | oieb_size     | 64                   | invalid_oieb     | field 'oieb_size', value '64' and limit '128'                         |
      | oieb_size     | 129                  | invalid_oieb     | field 'oieb_size', value '129' and limit '128'                        |
      | version_major | 2                    | version_mismatch | value '2'                                                             |
      | metadata_size | 1088                 | invalid_oieb     | field 'payload_size', value '10240' and limit '10176'                 |
      | metadata_size | 18446744073709551552 | invalid_oieb     | field 'metadata_size', value '18446744073709551552' and limit '11264' |
      | payload_size  | 10304                | invalid_oieb     | field 'payload_size', value '10304' and limit '10240'                 |
      | payload_size  | 0                    | invalid_oieb     | field 'payload_size', value '0' and limit '10240'                     |
      | payload_size  | 9223372036854775808  | invalid_oieb     | field 'payload_size', value '9223372036854775808' and limit '10240'   |

  @corruption @clause:6.3
  Scenario Outline: 5.2 A frame header of size '<size>' and sequence '<sequence>' is refused
    Given the 'reader' process creates buffer 'corrupt-frame' with metadata size '0' and payload size '10240'
    When the 'writer' process connects to buffer 'corrupt-frame'
    And the 'writer' process writes frame with size '1024' and sequence '1'
    And the frame header at '0' of buffer 'corrupt-frame' is overwritten with size '<size>' and sequence '<sequence>'
    And the 'reader' process tries to read a frame
    Then the 'reader' process should get error 'invalid_frame_size' with value '<size>' and limit '10224'

    Examples:
      | size                 | sequence |
      | 0                    | 1        |
      | 10225                | 1        |
      | 18446744073709551615 | 1        |

  Rule: Death belongs with feature 17

    @process @crash @clause:7.8
    Scenario: 5.3 The reader dies while a large write is in progress
      Given the 'reader' process creates buffer 'large-write' with metadata size '0' and payload size '1048576'
      When the 'writer' process connects to buffer 'large-write'
      And the 'writer' process writes '1000' frames of size '400000' as fast as possible
      And the 'reader' process reads '3' frames in a row
      And the 'reader' process is killed
      Then the 'writer' process should get error 'reader_dead'

  # The field has no 5.4.

  Rule: Wraps and room belong with features 4 and 16

    @clause:4.3 @clause:4.4 @clause:5.1 @clause:6.2
    Scenario: 5.5 A wrap leaves a marker in the tail and is read across
      Given the 'reader' process creates buffer 'wasted-tail' with metadata size '0' and payload size '10240'
      When the 'writer' process connects to buffer 'wasted-tail'
      And the 'writer' process writes '2' frames of size '4000' in a row
      And the 'reader' process reads '2' frames in a row
      And the 'writer' process writes frame with size '3000' and sequence '3'
      Then the frame header at '8032' of buffer 'wasted-tail' should show size '0' and sequence '0'
      And the frame header at '0' of buffer 'wasted-tail' should show size '3000' and sequence '3'
      And the header of buffer 'wasted-tail' should show:
        | field                 | value |
        | payload_write_pos     | 3016  |
        | payload_read_pos      | 8032  |
        | payload_free_bytes    | 5016  |
        | payload_written_count | 4     |
        | payload_read_count    | 2     |
      And the data semaphore of buffer 'wasted-tail' should stand at '1'
      And the 'reader' process should read frame with sequence '3' and size '3000'
      And the 'reader' process should validate frame data
      When the 'reader' process signals space available
      Then the header of buffer 'wasted-tail' should show:
        | field              | value |
        | payload_read_pos   | 3016  |
        | payload_free_bytes | 10240 |
        | payload_read_count | 4     |

    @corruption @clause:4.4 @clause:4.8 @clause:4.9 @clause:14.7
    Scenario Outline: 5.6 At write position '<write>' and read position '<read>' there is room for '<room>' bytes
      Given the 'reader' process creates buffer 'free-space' with metadata size '0' and payload size '10240'
      When the header of buffer 'free-space' is overwritten:
        | field              | value   |
        | payload_write_pos  | <write> |
        | payload_read_pos   | <read>  |
        | payload_free_bytes | <free>  |
      And the 'writer' process connects to buffer 'free-space'
      And the 'writer' process attempts to write '<one more>' byte frame
      Then the 'writer' process should get error '<error>' with <details>
      When the 'writer' process writes frame with size '<room>' and sequence '1'
      Then the frame header at '<write>' of buffer 'free-space' should show size '<room>' and sequence '1'

      Examples:
        | write | read | free  | room  | one more | error            | details                                              |
        | 5000  | 2000 | 7240  | 5224  | 5225     | frame_unwritable | size '5225', fits_now '5224' and always_fits '5104'  |
        | 2000  | 5000 | 3000  | 2984  | 2985     | buffer_full      | size '2985', needed '3001' and free '3000'           |
        | 5000  | 5000 | 10240 | 5224  | 5225     | frame_unwritable | size '5225', fits_now '5224' and always_fits '5104'  |
        | 0     | 0    | 10240 | 10224 | 10225    | frame_too_large  | size '10225', largest '10224' and always_fits '5104' |
        | 5000  | 0    | 5240  | 5224  | 5225     | frame_unwritable | size '5225', fits_now '5224' and always_fits '5104'  |

    @slow @clause:4.8
    Scenario: 5.7 A frame of one hundred mebibytes passes and not one byte more
      Given the 'reader' process creates buffer 'huge' with metadata size '0' and payload size '104857600'
      When the 'writer' process connects to buffer 'huge'
      And the 'writer' process attempts to write '104857585' byte frame
      Then the 'writer' process should get error 'frame_too_large'
      When the 'writer' process writes frame with size '104857584' and sequence '1'
      Then the 'reader' process should read frame with sequence '1' and size '104857584'
      And the 'reader' process should validate frame data

    @clause:4.3 @clause:4.4
    Scenario: 5.8 A marker is written over what stood there on the lap before
      Given the 'reader' process creates buffer 'second-lap' with metadata size '0' and payload size '1024'
      When the 'writer' process connects to buffer 'second-lap'
      And the 'writer' process writes '2' frames of size '484' in a row
      And the 'reader' process reads '2' frames in a row
      And the 'writer' process writes frame with size '484' and sequence '3'
      And the 'reader' process reads '1' frames in a row
      And the 'writer' process writes frame with size '300' and sequence '4'
      And the 'reader' process reads '1' frames in a row
      And the 'writer' process writes frame with size '400' and sequence '5'
      Then the frame header at '816' of buffer 'second-lap' should show size '0' and sequence '0'
      And the frame header at '0' of buffer 'second-lap' should show size '400' and sequence '5'
      And the 'reader' process should read frame with sequence '5' and size '400'
      And the 'reader' process should validate frame data
