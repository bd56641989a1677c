Feature: Handover
  Buffers pass from hand to hand: through a relay, to the next writer, beside another buffer.

  Background:
    Given the test environment is initialized
    And all processes are ready

  @process @clause:4.2
  Scenario: 15.1 Frames pass a relay unharmed and in order
    Given the 'reader' process creates buffer 'relay-out' with metadata size '0' and payload size '10240'
    And the 'relay' process creates buffer 'relay-in' with metadata size '0' and payload size '4096'
    When the 'relay' process connects to buffer 'relay-out'
    And the 'writer' process connects to buffer 'relay-in'
    And the 'writer' process writes '200' frames with sizes '700,1,1500,64' as fast as possible
    And the 'relay' process passes '200' frames from buffer 'relay-in' to buffer 'relay-out'
    And the 'reader' process reads '200' frames in a row
    Then the 'reader' process should verify the content of all frames
    And the 'reader' process should verify all frames have sequential sequence numbers starting from '1'

  @process @crash @clause:7.7 @clause:7.8
  Scenario: 15.2 A relay that dies is felt at both ends
    Given the 'reader' process creates buffer 'relay-out' with metadata size '0' and payload size '10240'
    And the 'relay' process creates buffer 'relay-in' with metadata size '0' and payload size '4096'
    When the 'relay' process connects to buffer 'relay-out'
    And the 'writer' process connects to buffer 'relay-in'
    And the 'writer' process writes frame with size '500' and sequence '1'
    And the 'relay' process passes '1' frames from buffer 'relay-in' to buffer 'relay-out'
    And the 'relay' process is killed
    And the 'writer' process attempts to write '500' byte frame
    Then the 'writer' process should get error 'reader_dead' within '50' ms
    And the 'reader' process should read frame with sequence '1' and size '500'
    When the 'reader' process tries to read a frame
    Then the 'reader' process should get error 'writer_dead' within '50' ms

  @clause:3.3
  Scenario: 15.3 Metadata may follow the frames
    Given the 'reader' process creates buffer 'late-metadata' with metadata size '256' and payload size '1024'
    When the 'writer' process connects to buffer 'late-metadata'
    And the 'writer' process writes frame with size '100' and sequence '1'
    And the 'writer' process writes metadata with size '248'
    And the 'writer' process writes frame with size '101' and sequence '2'
    Then the 'reader' process should read metadata with size '248'
    And the 'reader' process should read frame with sequence '1' and size '100'
    And the 'reader' process should read frame with sequence '2' and size '101'
    And the 'reader' process should validate frame data

  @clause:3.4
  Scenario: 15.4 Empty metadata is refused and the block stays free for what follows
    Given the 'reader' process creates buffer 'empty-metadata' with metadata size '256' and payload size '1024'
    When the 'writer' process connects to buffer 'empty-metadata'
    And the 'writer' process attempts to write metadata with size '0'
    Then the 'writer' process should get error 'metadata_empty'
    When the 'writer' process writes metadata with size '10'
    Then the 'reader' process should read metadata with size '10'

  @clause:7.4 @clause:7.7 @clause:7.10 @clause:12.3
  Scenario: 15.5 A writer that closes is followed by another, whose sequence starts again
    Given the 'reader' process creates buffer 'next-writer' with metadata size '0' and payload size '4096'
    When the 'writer' process connects to buffer 'next-writer'
    And the 'writer' process writes '2' frames of size '300' in a row
    And the 'writer' process closes buffer 'next-writer'
    Then the 'reader' process should read frame with sequence '1' and size '300'
    And the 'reader' process should read frame with sequence '2' and size '300'
    When the 'reader' process tries to read a frame
    Then the 'reader' process should get error 'writer_dead' within '50' ms
    When the 'writer' process connects to buffer 'next-writer'
    And the 'writer' process writes frame with size '400' and sequence '1'
    Then the 'reader' process should read frame with sequence '1' and size '400'
    And the 'reader' process should validate frame data

  @process @crash @clause:7.10 @clause:12.1 @clause:12.3
  Scenario: 15.6 A killed writer is followed by another, whose sequence starts again
    Given the 'reader' process creates buffer 'next-life' with metadata size '0' and payload size '4096'
    When the 'writer' process connects to buffer 'next-life'
    And the 'writer' process writes '3' frames of size '300' in a row
    And the 'reader' process reads '2' frames in a row
    And the 'writer' process is killed
    And a new 'writer' process connects to buffer 'next-life'
    And the 'writer' process writes frame with size '400' and sequence '1'
    Then the 'reader' process should read frame with sequence '3' and size '300'
    And the 'reader' process should validate frame data
    And the 'reader' process should read frame with sequence '1' and size '400'
    And the 'reader' process should validate frame data

  @clause:7.7
  Scenario: 15.7 Waiting for the first writer is a timeout, not a death
    Given the 'reader' process creates buffer 'nobody-yet' with default config
    Then the 'reader' process should find no further frame
    When the 'writer' process connects to buffer 'nobody-yet'
    And the 'writer' process writes frame with data 'here I am'
    Then the 'reader' process should read frame with data 'here I am'

  @clause:1.1
  Scenario: 15.8 Two buffers in one process do not touch each other
    Given the 'reader' process creates buffer 'left' with metadata size '64' and payload size '4096'
    And the 'reader' process creates buffer 'right' with metadata size '64' and payload size '4096'
    When the 'writer' process connects to buffer 'left'
    And the 'writer' process connects to buffer 'right'
    And the 'writer' process writes frame with data 'for the left' to buffer 'left'
    And the 'writer' process writes frame with data 'for the right' to buffer 'right'
    And the 'writer' process writes frame with data 'left again' to buffer 'left'
    Then the 'reader' process should read frame with data 'for the right' from buffer 'right'
    And the 'reader' process should read frame with data 'for the left' from buffer 'left'
    And the 'reader' process should read frame with data 'left again' from buffer 'left'
    And the data semaphore of buffer 'left' should stand at '0'
    And the data semaphore of buffer 'right' should stand at '0'

  @clause:7.5 @clause:7.9
  Scenario: 15.9 A reader that closes wakes its blocked writer at once
    Given the 'reader' process creates buffer 'clean-end' with metadata size '0' and payload size '4096'
    When the 'writer' process connects to buffer 'clean-end'
    And the 'writer' process writes frames until buffer is full
    And the 'writer' process starts writing frame with size '1024'
    Then the 'writer' process should be blocked
    When the 'reader' process closes buffer 'clean-end'
    Then the 'writer' process should get error 'reader_dead' within '50' ms of the end of buffer 'clean-end'
    And no object of buffer 'clean-end' should exist

  @clause:1.2 @clause:7.1 @clause:8.2
  Scenario: 15.10 A buffer of a living reader is not taken over
    Given the 'reader' process creates buffer 'taken' with metadata size '64' and payload size '4096'
    When the 'writer' process connects to buffer 'taken'
    And the 'writer' process writes frame with size '100' and sequence '1'
    And a second 'reader' process tries to create buffer 'taken' with metadata size '0' and payload size '1024'
    Then a second 'reader' process should get error 'buffer_in_use'
    And every object of buffer 'taken' should exist
    And the 'reader' process should read frame with sequence '1' and size '100'
    And the 'reader' process should validate frame data

  @process @clause:7.6
  Scenario: 15.11 The number of a dead reader that a younger process now has does not keep the buffer
    Given the 'reader' process comes upon a stale 'everything' of buffer 'reused-number' whose owner's number a younger process has now
    When the 'reader' process creates buffer 'reused-number' with metadata size '64' and payload size '1024'
    And the 'writer' process connects to buffer 'reused-number'
    And the 'writer' process writes frame with size '100' and sequence '1'
    Then the 'reader' process should read frame with sequence '1' and size '100'
    And the 'reader' process should validate frame data

  @process @slow @clause:7.10 @clause:10.4 @clause:14.3
  Scenario Outline: 15.12 A writer that follows another under load loses no frame of <size> bytes in <payload>
    Given the 'reader' process creates buffer 'followed' with metadata size '0' and payload size '<payload>'
    When the 'writer' process connects to buffer 'followed'
    And the 'writer' process writes frame with size '<size>' and sequence '1'
    And the 'writer' process closes buffer 'followed'
    And the 'writer' process connects to buffer 'followed'
    And the 'writer' process writes '<count>' frames with sizes '<size>' as fast as possible
    Then the 'reader' process should read frame with sequence '1' and size '<size>'
    When the 'reader' process signals space available
    And the 'reader' process reads '<count>' frames in a row
    Then the 'reader' process should verify the content of all frames
    When the 'writer' process closes buffer 'followed'
    And the 'reader' process tries to read a frame
    Then the 'reader' process should get error 'writer_dead'
    And the header of buffer 'followed' should show:
      | field              | value     |
      | payload_free_bytes | <payload> |

    Examples:
      | payload | size | count  |
      | 64      | 16   | 20000  |
      | 4096    | 1008 | 20000  |
      | 10240   | 1000 | 100000 |

  @process @crash @clause:13.3 @clause:16.1
  Scenario: 15.13 A writer does not take the next reader for the one that was killed
    Given the 'reader' process creates buffer 'replaced' with metadata size '0' and payload size '4096'
    When the 'reader' process is killed
    And the 'writer' process finds the lock of buffer 'replaced' held as by a reader that creates it anew
    And the 'writer' process attempts to connect to buffer 'replaced'
    Then the 'writer' process should get error 'reader_dead' without trying again
    When the 'writer' process sees the lock of buffer 'replaced' given back
    And a new 'reader' process creates buffer 'replaced' with metadata size '0' and payload size '4096'
    And the 'writer' process connects to buffer 'replaced'
    And the 'writer' process writes frame with size '100' and sequence '1'
    Then the 'reader' process should read frame with sequence '1' and size '100'
    And the 'reader' process should validate frame data

  @process @root @clause:7.6 @clause:13.1 @clause:13.3
  Scenario: 15.14 A writer in another pid namespace is known to be dead, and followed
    Given the 'reader' process creates buffer 'far-away' with metadata size '0' and payload size '4096'
    When the 'writer' process starts process 'far writer' in a pid namespace of its own, which connects to buffer 'far-away' and writes '1' frames of size '1000'
    And the 'reader' process reads '1' frames in a row
    Then the 'reader' process should verify the content of all frames
    And the 'reader' process should find no further frame
    When the 'writer' process has 'far writer' killed
    And the 'reader' process tries to read a frame
    Then the 'reader' process should get error 'writer_dead' within '200' ms
    When the 'writer' process connects to buffer 'far-away'
    And the 'writer' process writes frame with size '100' and sequence '1'
    Then the 'reader' process should read frame with sequence '1' and size '100'
    And the 'reader' process should validate frame data

  @corruption @clause:12.2 @clause:12.3
  Scenario: 15.15 A writer of another implementation that left begins anew, and is the same process
    Given the 'reader' process creates buffer 'back-again' with metadata size '0' and payload size '1024'
    When another implementation connects to buffer 'back-again'
    Then the 'reader' process should find no further frame
    When another implementation writes a frame of '100' bytes with sequence '1' to buffer 'back-again'
    Then the 'reader' process should read frame with sequence '1' and size '100'
    And the 'reader' process should validate frame data
    When another implementation leaves buffer 'back-again'
    And the 'reader' process tries to read a frame
    Then the 'reader' process should get error 'writer_dead'
    When another implementation connects to buffer 'back-again'
    And another implementation writes a frame of '200' bytes with sequence '1' to buffer 'back-again'
    Then the 'reader' process should read frame with sequence '1' and size '200'
    And the 'reader' process should validate frame data

  @corruption @clause:14.8
  Scenario: 15.16 A writer that closes takes no number away but its own
    Given the 'reader' process creates buffer 'not-its-own' with metadata size '0' and payload size '1024'
    When the 'writer' process connects to buffer 'not-its-own'
    And the header of buffer 'not-its-own' is overwritten:
      | field      | value |
      | writer_pid | 1     |
    And the 'writer' process closes buffer 'not-its-own'
    Then the header of buffer 'not-its-own' should show:
      | field      | value |
      | writer_pid | 1     |
    And the sign of life of the writer of buffer 'not-its-own' should be free

  @corruption @clause:6.4 @clause:12.1 @clause:12.3
  Scenario: 15.17 A writer of another implementation that was seen before its first frame begins no second time
    Given the 'reader' process creates buffer 'seen-before' with metadata size '0' and payload size '1024'
    When another implementation connects to buffer 'seen-before'
    Then the 'reader' process should find no further frame
    When another implementation writes a frame of '100' bytes with sequence '1' to buffer 'seen-before'
    And another implementation writes a frame of '200' bytes with sequence '1' to buffer 'seen-before'
    Then the 'reader' process should read frame with sequence '1' and size '100'
    When the 'reader' process tries to read a frame
    Then the 'reader' process should get error 'sequence_error' with expected '2' and seen '1'

  @corruption @clause:12.1 @clause:12.3
  Scenario: 15.18 A writer of another implementation that came, left and returned unseen may begin anew
    Given the 'reader' process creates buffer 'never-seen' with metadata size '0' and payload size '1024'
    When another implementation connects to buffer 'never-seen'
    And another implementation writes a frame of '100' bytes with sequence '1' to buffer 'never-seen'
    And another implementation leaves buffer 'never-seen'
    And another implementation connects to buffer 'never-seen'
    And another implementation writes a frame of '200' bytes with sequence '1' to buffer 'never-seen'
    Then the 'reader' process should read frame with sequence '1' and size '100'
    And the 'reader' process should validate frame data
    And the 'reader' process should read frame with sequence '1' and size '200'
    And the 'reader' process should validate frame data

  @corruption @clause:14.7
  Scenario: 15.19 A writer that finds another's frame behind its own goes by the field's fields from then on
    Given the 'reader' process creates buffer 'two-hands' with metadata size '0' and payload size '1024'
    When the 'writer' process connects to buffer 'two-hands'
    And the 'writer' process writes frame with size '100' and sequence '1'
    And another implementation writes a frame of '200' bytes with sequence '2' to buffer 'two-hands'
    And the 'writer' process writes frame with size '300' and sequence '2'
    Then the header of buffer 'two-hands' should show:
      | field              | value |
      | payload_free_bytes | 376   |
      | payload_write_pos  | 648   |
      | committed          | 1140  |
      | connection_number  | 1     |
      | connection_pid     | 0     |
    And the 'reader' process should read frame with sequence '1' and size '100'
    And the 'reader' process should validate frame data
    And the 'reader' process should read frame with sequence '2' and size '200'
    And the 'reader' process should validate frame data

  @corruption @clause:7.5
  Scenario: 15.20 A reader that closes removes what is its own, though its segment has lost its name
    Given the 'reader' process creates buffer 'lost-name' with metadata size '0' and payload size '1024'
    When the segment of buffer 'lost-name' loses its name
    And the 'reader' process closes buffer 'lost-name'
    Then no object of buffer 'lost-name' should exist

  @corruption @clause:7.5
  Scenario: 15.21 A reader that closes leaves the segment that has taken the place of its own, with its semaphores
    Given the 'reader' process creates buffer 'not-its-own' with metadata size '0' and payload size '4096'
    When the segment of another reader takes the place of that of buffer 'not-its-own'
    And the 'reader' process closes buffer 'not-its-own'
    Then the segment of buffer 'not-its-own' should be '1216' bytes long
    And the data semaphore of buffer 'not-its-own' should stand at '0'
    And the space semaphore of buffer 'not-its-own' should stand at '1' or less

  @process @crash @clause:7.7 @clause:7.8
  Scenario: 15.22 Who has closed is told from who has died
    Given the 'reader' process creates buffer 'which-end' with metadata size '0' and payload size '1024'
    When the 'writer' process connects to buffer 'which-end'
    And the 'writer' process writes frame with size '100' and sequence '1'
    And the 'writer' process closes buffer 'which-end'
    Then the 'reader' process should read frame with sequence '1' and size '100'
    When the 'reader' process tries to read a frame
    Then the 'reader' process should get error 'writer_dead' with reason 'closed'
    When the 'writer' process connects to buffer 'which-end'
    And the 'writer' process is killed
    And the 'reader' process tries to read a frame
    Then the 'reader' process should get error 'writer_dead' with reason 'died'
    When a new 'writer' process connects to buffer 'which-end'
    And the 'reader' process closes buffer 'which-end'
    And the 'writer' process attempts to write '100' byte frame
    Then the 'writer' process should get error 'reader_dead' with reason 'closed'
    When the 'writer' process closes buffer 'which-end'
    And the 'reader' process creates buffer 'which-end' with metadata size '0' and payload size '1024'
    And the 'writer' process connects to buffer 'which-end'
    And the 'reader' process is killed
    And the 'writer' process attempts to write '100' byte frame
    Then the 'writer' process should get error 'reader_dead' with reason 'died'

  @corruption @clause:14.3 @clause:14.7
  Scenario: 15.23 A writer that finds fields which contradict each other goes by the field's from the beginning
    Given the 'reader' process creates buffer 'contradictory' with metadata size '0' and payload size '1024'
    When the header of buffer 'contradictory' is overwritten:
      | field              | value |
      | payload_free_bytes | 1000  |
    And the 'writer' process connects to buffer 'contradictory'
    And the 'writer' process writes frame with size '100' and sequence '1'
    Then the header of buffer 'contradictory' should show:
      | field              | value |
      | payload_free_bytes | 884   |
      | payload_write_pos  | 116   |
      | committed          | 1024  |
      | stream_start       | 0     |
      | connection_number  | 1     |
      | connection_pid     | 0     |
    And the 'reader' process should read frame with sequence '1' and size '100'
    And the 'reader' process should validate frame data

  @clause:7.7
  Scenario: 15.24 A writer that wrote nothing has been there for all that
    Given the 'reader' process creates buffer 'silent-guest' with metadata size '64' and payload size '1024'
    When the 'writer' process connects to buffer 'silent-guest'
    Then the 'reader' process should find no further frame
    When the 'writer' process closes buffer 'silent-guest'
    And the 'reader' process tries to read a frame
    Then the 'reader' process should get error 'writer_dead' with reason 'closed'
