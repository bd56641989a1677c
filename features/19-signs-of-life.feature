Feature: Signs of life
  Who lives is known by several signs. Here all but one are taken away, or lie: so each is seen to work alone.

  Background:
    Given the test environment is initialized
    And all processes are ready

  @corruption @clause:13.3 @clause:14.1
  Scenario Outline: 19.1 A writer lives by its lock, though a dead process is named as <named>
    Given the 'reader' process creates buffer 'writer-by-lock' with metadata size '0' and payload size '1024'
    When the 'writer' process connects to buffer 'writer-by-lock'
    And the header of buffer 'writer-by-lock' names a process that is gone as its <named>
    Then the 'reader' process should find no further frame
    When a second 'writer' process attempts to connect to buffer 'writer-by-lock'
    Then a second 'writer' process should get error 'writer_exists' without trying again

    Examples:
      | named                 |
      | writer                |
      | writer and connection |

  @process @crash @corruption @clause:13.3 @clause:14.2
  Scenario: 19.2 A writer that was killed is dead without its lock, though its number lives
    Given the 'reader' process creates buffer 'writer-without-lock' with metadata size '0' and payload size '1024'
    When the 'writer' process connects to buffer 'writer-without-lock'
    And the 'writer' process writes frame with size '100' and sequence '1'
    And the 'writer' process is killed
    Then the 'reader' process should read frame with sequence '1' and size '100'
    When the header of buffer 'writer-without-lock' names a process that lives as its writer and connection
    And the 'reader' process tries to read a frame
    Then the 'reader' process should get error 'writer_dead' within '50' ms
    When the 'writer' process connects to buffer 'writer-without-lock'
    And the 'writer' process writes frame with size '200' and sequence '1'
    Then the 'reader' process should read frame with sequence '1' and size '200'

  @corruption @clause:13.3
  Scenario: 19.3 A reader lives by its lock, though a dead process is named and the lock file is gone
    Given the 'reader' process creates buffer 'reader-by-lock' with metadata size '0' and payload size '1024'
    When the 'writer' process connects to buffer 'reader-by-lock'
    And the header of buffer 'reader-by-lock' names a process that is gone as its reader
    And the lock file of buffer 'reader-by-lock' loses its name
    And the 'writer' process writes frame with size '100' and sequence '1'
    And the 'writer' process closes buffer 'reader-by-lock'
    And the 'writer' process connects to buffer 'reader-by-lock'
    And the 'writer' process writes frame with size '200' and sequence '1'
    Then the 'reader' process should read frame with sequence '1' and size '100'
    And the 'reader' process should read frame with sequence '1' and size '200'

  @corruption @clause:16.2
  Scenario: 19.4 A buffer is kept by its reader's lock, though a dead process is named and the lock file is gone
    Given the 'reader' process creates buffer 'kept-by-lock' with metadata size '0' and payload size '1024'
    And the header of buffer 'kept-by-lock' names a process that is gone as its reader
    And the lock file of buffer 'kept-by-lock' loses its name
    When a second 'reader' process tries to create buffer 'kept-by-lock' with metadata size '0' and payload size '2048'
    Then a second 'reader' process should get error 'buffer_in_use'
    When the 'writer' process connects to buffer 'kept-by-lock'
    And the 'writer' process writes frame with size '100' and sequence '1'
    Then the 'reader' process should read frame with sequence '1' and size '100'
    And the 'reader' process should validate frame data

  @process @crash @corruption @clause:13.3 @clause:16.2
  Scenario: 19.5 A reader that was killed is dead without its lock, though its number lives and the lock file is held
    Given the 'reader' process creates buffer 'reader-without-lock' with metadata size '0' and payload size '1024'
    When the 'writer' process connects to buffer 'reader-without-lock'
    And the 'reader' process is killed
    And the 'writer' process finds the lock of buffer 'reader-without-lock' held as by a reader that creates it anew
    And the header of buffer 'reader-without-lock' names a process that lives as its reader
    And the 'writer' process attempts to write '100' byte frame
    Then the 'writer' process should get error 'reader_dead' within '50' ms
    When the 'writer' process sees the lock of buffer 'reader-without-lock' given back
    And the 'writer' process closes buffer 'reader-without-lock'
    And a new 'reader' process creates buffer 'reader-without-lock' with metadata size '0' and payload size '2048'
    And the 'writer' process connects to buffer 'reader-without-lock'
    And the 'writer' process writes frame with size '1500' and sequence '1'
    Then the 'reader' process should read frame with sequence '1' and size '1500'

  @corruption @clause:7.6 @clause:13.3 @clause:14.2
  Scenario Outline: 19.6 A writer of another implementation lives by its number alone, and no longer than its process: <ends>
    Given the 'reader' process creates buffer 'foreign-writer' with metadata size '0' and payload size '1024'
    When the 'reader' process sees another implementation connect to buffer 'foreign-writer' in a process of its own
    Then the 'reader' process should find no further frame
    When the 'writer' process attempts to connect to buffer 'foreign-writer'
    Then the 'writer' process should get error 'writer_exists' without trying again
    When another implementation writes a frame of '100' bytes with sequence '1' to buffer 'foreign-writer'
    And the 'reader' process sees the process of the other implementation <ends>
    Then the 'reader' process should read frame with sequence '1' and size '100'
    And the 'reader' process should validate frame data
    When the 'reader' process tries to read a frame
    Then the 'reader' process should get error 'writer_dead' within '50' ms
    When the 'writer' process connects to buffer 'foreign-writer'
    And the 'writer' process writes frame with size '800' and sequence '1'
    Then the 'reader' process should read frame with sequence '1' and size '800'
    And the 'reader' process should validate frame data

    Examples:
      | ends                          |
      | end                           |
      | end, and nobody has asked how |

  @corruption @clause:7.10 @clause:14.2
  Scenario: 19.7 What a writer of another implementation left is found by one of ours that follows at once
    Given the 'reader' process creates buffer 'foreign-heir' with metadata size '0' and payload size '1024'
    When the 'reader' process sees another implementation connect to buffer 'foreign-heir' in a process of its own
    Then the 'reader' process should find no further frame
    When another implementation writes a frame of '300' bytes with sequence '1' to buffer 'foreign-heir'
    And the 'reader' process sees the process of the other implementation end
    And the 'writer' process connects to buffer 'foreign-heir'
    And the 'writer' process writes frame with size '600' and sequence '1'
    Then the header of buffer 'foreign-heir' should show:
      | field              | value |
      | payload_free_bytes | 92    |
      | payload_write_pos  | 932   |
      | committed          | 1956  |
    And the 'reader' process should read frame with sequence '1' and size '300'
    And the 'reader' process should validate frame data
    And the 'reader' process should read frame with sequence '1' and size '600'
    And the 'reader' process should validate frame data

  @corruption @clause:7.8 @clause:13.3 @clause:16.2
  Scenario Outline: 19.8 A reader of another implementation lives by its number alone, and no longer than its process: <ends>
    Given the 'reader' process sees another implementation create buffer 'foreign-reader' with payload size '1024' in a process of its own
    When the 'writer' process connects to buffer 'foreign-reader'
    And the 'writer' process writes frame with size '100' and sequence '1'
    And the 'reader' process tries to create buffer 'foreign-reader' with metadata size '0' and payload size '2048'
    Then the 'reader' process should get error 'buffer_in_use'
    And the segment of buffer 'foreign-reader' should be '1152' bytes long
    When the 'reader' process sees the process of the other implementation <ends>
    And the 'writer' process finds the lock of buffer 'foreign-reader' held as by a reader that creates it anew
    And the 'writer' process attempts to write '100' byte frame
    Then the 'writer' process should get error 'reader_dead' within '50' ms
    When the 'writer' process sees the lock of buffer 'foreign-reader' given back
    And the 'writer' process closes buffer 'foreign-reader'
    And the 'reader' process creates buffer 'foreign-reader' with metadata size '0' and payload size '2048'
    Then the segment of buffer 'foreign-reader' should be '2176' bytes long

    Examples:
      | ends                          |
      | end                           |
      | end, and nobody has asked how |

  @corruption @clause:7.6 @clause:13.3
  Scenario: 19.9 A reader whose number is not known here lives by its lock file alone
    Given the 'writer' process sees another implementation create buffer 'by-lock-file' with payload size '1024' in a process that is not known here
    And the 'writer' process finds the lock of buffer 'by-lock-file' held as by a reader that creates it anew
    When the 'writer' process connects to buffer 'by-lock-file'
    And the 'writer' process writes frame with size '100' and sequence '1'
    And the 'reader' process tries to create buffer 'by-lock-file' with metadata size '0' and payload size '2048'
    Then the 'reader' process should get error 'buffer_in_use'
    When the 'writer' process sees the lock of buffer 'by-lock-file' given back
    And the 'writer' process attempts to write '100' byte frame
    Then the 'writer' process should get error 'reader_dead' within '50' ms

  @corruption @clause:7.12 @clause:13.3
  Scenario: 19.10 A reader whose segment has lost its name was replaced, though its number lives
    Given the 'writer' process sees another implementation create buffer 'nameless' with payload size '1024' in a process of its own
    When the 'writer' process connects to buffer 'nameless'
    And the 'writer' process writes frame with size '100' and sequence '1'
    And the segment of buffer 'nameless' loses its name
    And the 'writer' process attempts to write '100' byte frame
    Then the 'writer' process should get error 'reader_dead' within '50' ms

  @corruption @clause:13.1 @clause:16.2
  Scenario: 19.11 What somebody removes just now is left to him
    Given the 'reader' process comes upon a stale 'segment' of buffer 'at-removal' that a dead process left
    When the 'reader' process sees somebody at the removal of buffer 'at-removal'
    And the 'reader' process tries to create buffer 'at-removal' with metadata size '0' and payload size '2048'
    Then the 'reader' process should get error 'buffer_in_use'
    And the segment of buffer 'at-removal' should be '1216' bytes long
    When the 'reader' process sees the removal of buffer 'at-removal' given up
    And the 'reader' process creates buffer 'at-removal' with metadata size '0' and payload size '2048'
    Then the segment of buffer 'at-removal' should be '2176' bytes long

  @process @corruption @clause:14.2
  Scenario: 19.12 A writer whose own number stands there already follows one that is dead
    Given the 'reader' process creates buffer 'own-number' with metadata size '0' and payload size '1024'
    When the 'writer' process finds its own number in the place of the writer of buffer 'own-number'
    And the 'writer' process connects to buffer 'own-number'
    And the 'writer' process writes frame with size '100' and sequence '1'
    Then the 'reader' process should read frame with sequence '1' and size '100'
    And the 'reader' process should validate frame data

  @process @crash @corruption @clause:13.1
  Scenario: 19.13 Locks on the bytes beside are no signs of life
    Given the 'reader' process creates buffer 'beside' with metadata size '0' and payload size '1024'
    And somebody locks the bytes beside the signs of life of buffer 'beside'
    When the 'writer' process connects to buffer 'beside'
    And the 'writer' process writes frame with size '100' and sequence '1'
    And the 'writer' process is killed
    Then the 'reader' process should read frame with sequence '1' and size '100'
    When the 'reader' process tries to read a frame
    Then the 'reader' process should get error 'writer_dead' within '50' ms
    When the 'writer' process connects to buffer 'beside'
    And the 'reader' process is killed
    And the 'writer' process attempts to write '100' byte frame
    Then the 'writer' process should get error 'reader_dead' within '50' ms
    When the 'writer' process closes buffer 'beside'
    And a new 'reader' process creates buffer 'beside' with metadata size '0' and payload size '2048'
    Then the segment of buffer 'beside' should be '2176' bytes long

  @process @linux @corruption @clause:7.6 @clause:13.3
  Scenario: 19.14 A writer of another implementation that cannot be looked up any more is not dead for that
    Given the 'reader' process creates buffer 'out-of-sight' with metadata size '0' and payload size '1024'
    When the 'reader' process sees another implementation connect to buffer 'out-of-sight' in a process of its own
    And the 'reader' process takes stock of its resources
    Then the 'reader' process should find no further frame
    And the 'reader' process should hold no more resources than before
    When the 'reader' process may open no further descriptor
    Then the 'reader' process should find no further frame
    When the limits of the 'reader' process are lifted
    And the 'reader' process sees the process of the other implementation end
    And the 'reader' process tries to read a frame
    Then the 'reader' process should get error 'writer_dead' within '50' ms

  @corruption @clause:7.6 @clause:13.3
  Scenario Outline: 19.15 The number <number>, which no process can have, is that of a dead writer
    Given the 'reader' process creates buffer 'no-such-number' with metadata size '0' and payload size '1024'
    When the header of buffer 'no-such-number' is overwritten:
      | field      | value    |
      | writer_pid | <number> |
    And the 'reader' process tries to read a frame
    Then the 'reader' process should get error 'writer_dead' within '50' ms, with reason 'died' and pid '<number>'
    When the 'writer' process connects to buffer 'no-such-number'
    And the 'writer' process writes frame with size '100' and sequence '1'
    Then the 'reader' process should read frame with sequence '1' and size '100'

    Examples:
      | number               |
      | 4294967297           |
      | 18446744073709551615 |

  @corruption @clause:7.3 @clause:14.1 @clause:14.2 @clause:14.6
  Scenario Outline: 19.16 A writer that has no time tries again all the same, for <least> ms, when <sight>
    Given the 'reader' process creates buffer 'worth-it' with metadata size '0' and payload size '1024'
    When <sight>
    And the 'writer' process attempts to connect to buffer 'worth-it', and has no time
    Then the 'writer' process should get error '<error>' not before '<least>' ms

    Examples:
      | sight                                                                                     | error         | least |
      | the 'reader' process finds its own number in the place of the writer of buffer 'worth-it' | writer_exists | 50    |
      | somebody holds the sign of life of the writer of buffer 'worth-it'                        | writer_exists | 1000  |
      | the segment of buffer 'worth-it' is cut to '64' bytes                                     | invalid_oieb  | 1000  |

  @corruption @clause:7.6 @clause:13.3
  Scenario: 19.17 No lock file, and what stands in its place and is none, proves no life, and holds nobody up
    Given the 'writer' process sees another implementation create buffer 'no-lock' with payload size '1024' in a process that is not known here
    When the lock file of buffer 'no-lock' loses its name
    And the 'writer' process attempts to connect to buffer 'no-lock'
    Then the 'writer' process should get error 'reader_dead' without trying again
    Given a FIFO stands in the place of the 'lock' of buffer 'no-lock'
    When the 'writer' process attempts to connect to buffer 'no-lock'
    Then the 'writer' process should get error 'reader_dead' without trying again
    When the obstacles of buffer 'no-lock' are removed
    And a symbolic link stands in the place of the 'lock' of buffer 'no-lock'
    And the 'writer' process attempts to connect to buffer 'no-lock'
    Then the 'writer' process should get error 'reader_dead' without trying again

  @corruption @clause:7.10 @clause:14.2
  Scenario: 19.18 A ring that a writer of another implementation left full is not taken for an empty one
    Given the 'reader' process creates buffer 'left-full' with metadata size '0' and payload size '1024'
    When the 'reader' process sees another implementation connect to buffer 'left-full' in a process of its own
    And another implementation writes a frame of '1008' bytes with sequence '1' to buffer 'left-full'
    And the 'reader' process sees the process of the other implementation end
    And the 'writer' process connects to buffer 'left-full'
    Then the header of buffer 'left-full' should show:
      | field              | value |
      | payload_free_bytes | 0     |
      | payload_write_pos  | 0     |
      | committed          | 2048  |
    And the 'reader' process should read frame with sequence '1' and size '1008'
    And the 'reader' process should validate frame data

  @corruption @clause:14.2 @clause:14.6 @clause:15.1
  Scenario: 19.19 What a dead writer of another implementation had begun is not guessed at, until the reader has settled it
    Given the 'reader' process creates buffer 'half-done' with metadata size '0' and payload size '1024'
    When the 'reader' process sees another implementation connect to buffer 'half-done' in a process of its own
    And the header of buffer 'half-done' is overwritten:
      | field              | value |
      | payload_free_bytes | 900   |
    And the 'reader' process sees the process of the other implementation end
    And the 'writer' process attempts to connect to buffer 'half-done'
    Then the 'writer' process should get error 'writer_exists' not before '1000' ms
    When the 'reader' process tries to read a frame
    Then the 'reader' process should get error 'writer_dead' with reason 'died'
    When the 'writer' process connects to buffer 'half-done'
    And the 'writer' process writes frame with size '1008' and sequence '1'
    Then the 'reader' process should read frame with sequence '1' and size '1008'
    And the 'reader' process should validate frame data

  @corruption @clause:7.6 @clause:13.3
  Scenario: 19.20 Process 1 is one like others: in a container it may be the peer
    Given the 'reader' process creates buffer 'process-one' with metadata size '0' and payload size '1024'
    When the header of buffer 'process-one' is overwritten:
      | field      | value |
      | writer_pid | 1     |
    Then the 'reader' process should find no further frame
    When the 'writer' process attempts to connect to buffer 'process-one'
    Then the 'writer' process should get error 'writer_exists' without trying again, with pid '1'

  @clause:7.3 @clause:14.6
  Scenario: 19.21 A segment that is all 0 is about to be a buffer: a writer that has no time waits for it all the same
    Given the 'reader' process comes upon '4096' bytes of shared memory under the name of buffer 'not-yet-one', all 0
    When the 'writer' process attempts to connect to buffer 'not-yet-one', and has no time
    Then the 'writer' process should get error 'invalid_oieb' not before '1000' ms, with field 'oieb_size', value '0' and limit '128'
