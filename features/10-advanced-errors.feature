@clause:8.3
Feature: Advanced errors
  Everything that can go wrong has its own name, and nothing hangs on it.

  Background:
    Given the test environment is initialized
    And all processes are ready

  @clause:7.2
  Scenario Outline: 10.1 Creation fails cleanly when the place of the <what> is taken
    Given an obstacle stands in the place of the '<what>' of buffer 'no-room'
    When the 'reader' process tries to create buffer 'no-room' with metadata size '1024' and payload size '10240'
    Then the 'reader' process should get error 'system_error'
    And no object of buffer 'no-room' should exist
    When the obstacles of buffer 'no-room' are removed
    And the 'reader' process creates buffer 'no-room' with metadata size '1024' and payload size '10240'
    Then every object of buffer 'no-room' should exist

    Examples:
      | what            |
      | lock            |
      | segment         |
      | data semaphore  |
      | space semaphore |

  @corruption @clause:6.3 @clause:6.4
  Scenario Outline: 10.2 The header (<size>, <sequence>) of the second frame is refused with '<error>'
    Given the 'reader' process creates buffer 'bad-header' with metadata size '0' and payload size '4096'
    When the 'writer' process connects to buffer 'bad-header'
    And the 'writer' process writes '2' frames of size '100' in a row
    And the frame header at '116' of buffer 'bad-header' is overwritten with size '<size>' and sequence '<sequence>'
    Then the 'reader' process should read frame with sequence '1' and size '100'
    And the 'reader' process should validate frame data
    When the 'reader' process tries to read a frame
    Then the 'reader' process should get error '<error>'

    Examples:
      | size                 | sequence             | error              |
      | 0                    | 2                    | invalid_frame_size |
      | 3965                 | 2                    | invalid_frame_size |
      | 4096                 | 2                    | invalid_frame_size |
      | 18446744073709551600 | 2                    | invalid_frame_size |
      | 18446744073709551615 | 18446744073709551615 | invalid_frame_size |
      | 100                  | 3                    | sequence_error     |
      | 100                  | 0                    | sequence_error     |
      | 100                  | 18446744073709551615 | sequence_error     |

  @process @crash @clause:7.8
  Scenario: 10.3 The reader dies during an active zero-copy write
    Given the 'reader' process creates buffer 'zero-copy-orphan' with metadata size '0' and payload size '10240'
    When the 'writer' process connects to buffer 'zero-copy-orphan'
    And the 'writer' process requests zero-copy frame of size '4096'
    And the 'writer' process fills zero-copy buffer with test pattern
    And the 'reader' process is killed
    Then the 'writer' process should learn of 'reader_dead' when it commits or on its next write

  @process @crash @clause:7.7 @clause:7.9
  Scenario: 10.4 A blocked reader learns at once that its writer was killed
    Given the 'reader' process creates buffer 'blocked-reader' with metadata size '0' and payload size '10240'
    When the 'writer' process connects to buffer 'blocked-reader'
    And the 'reader' process starts waiting for a frame
    Then the 'reader' process should be blocked
    When the 'writer' process is killed
    Then the 'reader' process should get error 'writer_dead' within '50' ms of the death

  @process @crash @clause:7.8 @clause:7.9
  Scenario: 10.7 A blocked writer learns at once that its reader was killed
    Given the 'reader' process creates buffer 'blocked-writer' with metadata size '0' and payload size '10240'
    When the 'writer' process connects to buffer 'blocked-writer'
    And the 'writer' process writes frames until buffer is full
    And the 'writer' process starts writing frame with size '1024'
    Then the 'writer' process should be blocked
    When the 'reader' process is killed
    Then the 'writer' process should get error 'reader_dead' within '50' ms of the death

  @process @clause:7.2
  Scenario: 10.5 Descriptors that cannot be had are refused with a clear error
    When the 'reader' process may open no further descriptor
    And the 'reader' process tries to create buffer 'no-descriptors' with metadata size '0' and payload size '10240'
    Then the 'reader' process should get error 'resource_exhausted'
    And no object of buffer 'no-descriptors' should exist
    When the limits of the 'reader' process are lifted
    And the 'reader' process creates buffer 'no-descriptors' with metadata size '0' and payload size '10240'
    Then every object of buffer 'no-descriptors' should exist

  @process @root @clause:1.7 @clause:8.2
  Scenario: 10.6 Another user without permission is refused and the buffer is unharmed
    Given the 'reader' process creates buffer 'private' with metadata size '0' and payload size '10240'
    When the 'writer' process of another user tries to connect to buffer 'private'
    Then the 'writer' process should get error 'permission_denied'
    When the 'writer' process connects to buffer 'private'
    And the 'writer' process writes frame with size '1024' and sequence '1'
    Then the 'reader' process should read frame with sequence '1' and size '1024'
    And the 'reader' process should validate frame data

  @process @clause:7.2
  Scenario: 10.8 Creation that runs out of descriptors at any of its steps leaves nothing
    When the 'reader' process tries to create buffer 'few-descriptors' with '0' to '6' further descriptors
    Then the 'reader' process should have failed only with 'resource_exhausted' and left nothing each time
    And the 'reader' process should have succeeded at last

  @process @clause:7.2 @clause:7.3
  Scenario: 10.9 A connection that runs out of descriptors at any of its steps leaves nothing
    Given the 'reader' process creates buffer 'few-for-writers' with metadata size '0' and payload size '1024'
    When the 'writer' process tries to connect to buffer 'few-for-writers' with '0' to '6' further descriptors
    Then the 'writer' process should have failed only with 'resource_exhausted' and left nothing each time
    And the 'writer' process should have succeeded at last

  @process @root @clause:1.7
  Scenario: 10.10 A buffer of another user is refused, as that user would get what is written
    Given the 'reader' process creates buffer 'of-another' with metadata size '0' and payload size '1024'
    When the segment of buffer 'of-another' belongs to another user
    And the 'writer' process attempts to connect to buffer 'of-another'
    Then the 'writer' process should get error 'permission_denied' without trying again
    When the segment of buffer 'of-another' belongs to root
    And the 'writer' process connects to buffer 'of-another'
    And the 'writer' process writes frame with size '100' and sequence '1'
    Then the 'reader' process should read frame with sequence '1' and size '100'

  @process @clause:7.2
  Scenario: 10.11 A segment that may not have its size is refused with a clear error
    When the 'reader' process may make no file larger than '8192'
    And the 'reader' process tries to create buffer 'too-long' with metadata size '0' and payload size '10240'
    Then the 'reader' process should get error 'resource_exhausted'
    And no object of buffer 'too-long' should exist
    When the limits of the 'reader' process are lifted
    And the 'reader' process creates buffer 'too-long' with metadata size '0' and payload size '10240'
    Then every object of buffer 'too-long' should exist

  @process
  Scenario Outline: 10.12 An error of the system has the system's own number: a <obstacle> in the place of the segment
    Given the 'reader' process creates buffer 'numbered' with metadata size '0' and payload size '1024'
    And a <obstacle> stands in the place of the 'segment' of buffer 'numbered'
    When the 'writer' process attempts to connect to buffer 'numbered'
    Then the 'writer' process should get error 'system_error' with errno '<errno>'
    When the obstacles of buffer 'numbered' are removed
    And the 'reader' process closes buffer 'numbered'
    Then no object of buffer 'numbered' should exist

    Examples:
      | obstacle      | errno |
      | directory     | 21    |
      | symbolic link | 40    |
