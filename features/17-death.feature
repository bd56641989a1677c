@process @crash
Feature: Death
  Whoever dies, wherever it stood: what was committed is delivered, what was not is never seen, and nobody hangs.

  Background:
    Given the test environment is initialized
    And all processes are ready

  @clause:5.5 @clause:7.7 @clause:7.10
  Scenario Outline: 17.1 The writer dies once it <deed>
    Given the 'reader' process creates buffer 'writer-point' with metadata size '256' and payload size '10240'
    When the 'writer' process connects to buffer 'writer-point'
    And the 'writer' process writes frame with size '1000' and sequence '1'
    And the 'reader' process reads '1' frames in a row
    And the 'writer' process goes on until it <deed>
    And the 'writer' process is killed
    Then the 'reader' process should read '<frames>' frames and then get error 'writer_dead'
    And the 'reader' process should verify the content of all frames
    When a new 'writer' process connects to buffer 'writer-point'
    And the 'writer' process writes frame with size '2000' and sequence '1'
    Then the 'reader' process should read frame with sequence '1' and size '2000'
    And the 'reader' process should validate frame data

    Examples:
      | deed                       | frames |
      | has written a frame        | 1      |
      | has requested a frame      | 0      |
      | has filled half of a frame | 0      |
      | has filled a frame         | 0      |
      | has committed a frame      | 1      |
      | has abandoned a frame      | 0      |
      | has written metadata       | 0      |
      | has wrapped                | 2      |

  @clause:7.8 @clause:7.11
  Scenario Outline: 17.2 The reader dies once it <deed>
    Given the 'reader' process creates buffer 'reader-point' with metadata size '256' and payload size '10240'
    When the 'writer' process connects to buffer 'reader-point'
    And the 'writer' process writes '2' frames of size '1000' in a row
    And the 'reader' process goes on until it <deed>
    And the 'reader' process is killed
    And the 'writer' process attempts to write '1000' byte frame
    Then the 'writer' process should get error 'reader_dead' within '50' ms
    When the 'writer' process closes buffer 'reader-point'
    And a new 'reader' process creates buffer 'reader-point' with metadata size '0' and payload size '4096'
    And the 'writer' process connects to buffer 'reader-point'
    And the 'writer' process writes frame with size '2000' and sequence '1'
    Then the 'reader' process should read frame with sequence '1' and size '2000'
    And the 'reader' process should validate frame data

    Examples:
      | deed                      |
      | has read and released all |
      | holds a frame             |
      | holds two frames          |
      | has released a frame      |

  @clause:7.6
  Scenario: 17.3 A writer that is stopped is not dead
    Given the 'reader' process creates buffer 'stopped' with metadata size '0' and payload size '4096'
    When the 'writer' process connects to buffer 'stopped'
    And the 'writer' process writes frame with size '100' and sequence '1'
    And the 'reader' process has the writer of buffer 'stopped' halted
    Then the 'reader' process should read frame with sequence '1' and size '100'
    And the 'reader' process should find no further frame
    When the 'reader' process lets the writer of buffer 'stopped' go on
    And the 'writer' process writes frame with size '100' and sequence '2'
    Then the 'reader' process should read frame with sequence '2' and size '100'
    And the 'reader' process should validate frame data

  @clause:7.11 @clause:16.2
  Scenario: 17.4 The objects of a dead reader are replaced whatever it held
    Given the 'reader' process creates buffer 'left-behind' with metadata size '256' and payload size '10240'
    When the 'writer' process connects to buffer 'left-behind'
    And the 'writer' process writes metadata with size '100'
    And the 'writer' process writes '5' frames of size '1000' in a row
    And the 'writer' process closes buffer 'left-behind'
    And the 'reader' process is killed
    And the 'writer' process attempts to connect to buffer 'left-behind'
    Then the 'writer' process should get error 'reader_dead' without trying again
    And every object of buffer 'left-behind' should exist
    When a new 'reader' process creates buffer 'left-behind' with metadata size '256' and payload size '10240'
    Then the header of buffer 'left-behind' should show:
      | field                  | value |
      | metadata_written_bytes | 0     |
      | payload_free_bytes     | 10240 |
      | payload_write_pos      | 0     |
      | payload_written_count  | 0     |
      | writer_pid             | 0     |
    And the data semaphore of buffer 'left-behind' should stand at '0'
    And the 'reader' process should find no further frame

  @points @clause:11.1 @clause:11.2 @clause:11.7 @clause:15.1
  Scenario Outline: 17.5 A writer that dies at '<point>' leaves whole frames or none
    Given the 'reader' process creates buffer 'inside-write' with metadata size '64' and payload size '4096'
    When the 'writer' process starts process 'first writer', which connects to buffer 'inside-write' and writes '2' frames of size '1000'
    And the 'writer' process has 'first writer' die at '<point>' of a write
    Then the 'reader' process should read '<frames>' frames and then get error 'writer_dead'
    And the 'reader' process should verify the content of all frames
    When the 'writer' process connects to buffer 'inside-write'
    And the 'writer' process writes '20' frames with sizes '700,1,1500,64' as fast as possible
    And the 'reader' process reads '20' frames in a row
    Then the 'reader' process should verify the content of all frames
    And the header of buffer 'inside-write' should show:
      | field              | value |
      | payload_free_bytes | 4096  |

    Examples:
      | point           | frames |
      | writer.planned  | 2      |
      | writer.data     | 2      |
      | writer.header   | 2      |
      | writer.intent   | 2      |
      | writer.free     | 2      |
      | writer.position | 2      |
      | writer.count    | 2      |
      | writer.commit   | 3      |
      | writer.post     | 3      |
      | writer.done     | 3      |

  @points @clause:11.2 @clause:11.4 @clause:11.5 @clause:14.2
  Scenario Outline: 17.9 A writer that follows at once on one that died at '<point>' loses nothing and finds all the room
    Given the 'reader' process creates buffer 'at-once' with metadata size '0' and payload size '4096'
    When the 'writer' process starts process 'first writer', which connects to buffer 'at-once' and writes '2' frames of size '1000'
    And the 'writer' process has 'first writer' die at '<point>' of a write
    And the 'writer' process connects to buffer 'at-once'
    And the 'writer' process writes frame with size '500' and sequence '1'
    And the 'reader' process reads '<frames>' frames in a row
    Then the 'reader' process should verify the content of all frames
    And the 'reader' process should read frame with sequence '1' and size '500'
    And the 'reader' process should validate frame data
    When the 'reader' process signals space available
    Then the 'reader' process should find no further frame
    When the 'writer' process writes frame with size '2000' and sequence '2'
    Then the 'reader' process should read frame with sequence '2' and size '2000'
    And the 'reader' process should validate frame data
    When the 'reader' process signals space available
    Then the header of buffer 'at-once' should show:
      | field              | value |
      | payload_free_bytes | 4096  |

    Examples:
      | point           | frames |
      | writer.header   | 2      |
      | writer.free     | 2      |
      | writer.position | 2      |
      | writer.count    | 2      |
      | writer.commit   | 3      |
      | writer.done     | 3      |

  @points @clause:7.8 @clause:7.11
  Scenario Outline: 17.6 A reader that dies at '<point>' is replaced by another
    Given the 'reader' process starts process 'first reader', which creates buffer 'inside-read' with metadata size '64' and payload size '4096'
    When the 'writer' process connects to buffer 'inside-read'
    And the 'writer' process writes '2' frames of size '1000' in a row
    And the 'reader' process has 'first reader' die at '<point>' of a read
    And the 'writer' process attempts to write '1000' byte frame
    Then the 'writer' process should get error 'reader_dead' within '50' ms
    When the 'writer' process closes buffer 'inside-read'
    And the 'reader' process creates buffer 'inside-read' with metadata size '0' and payload size '2048'
    And the 'writer' process connects to buffer 'inside-read'
    And the 'writer' process writes frame with size '1500' and sequence '1'
    Then the 'reader' process should read frame with sequence '1' and size '1500'
    And the 'reader' process should validate frame data

    Examples:
      | point           |
      | reader.token    |
      | reader.position |
      | reader.count    |
      | reader.free     |
      | reader.space    |

  @points @clause:7.12 @clause:14.1
  Scenario: 17.7 A writer on its way in belongs to one reader, whoever comes in between
    Given the 'reader' process creates buffer 'on-the-way' with metadata size '0' and payload size '4096'
    When the 'writer' process starts process 'early writer', which halts at 'writer.opened' of a connection to buffer 'on-the-way'
    And the 'reader' process is killed
    And a new 'reader' process creates buffer 'on-the-way' with metadata size '0' and payload size '8192'
    And the 'writer' process lets 'early writer' go on, which then writes '3' frames of size '1000'
    And the 'reader' process reads '3' frames in a row
    Then the 'reader' process should verify the content of all frames
    And the data semaphore of buffer 'on-the-way' should stand at '0'
    And the 'reader' process should find no further frame

  @points @clause:11.6 @clause:12.3
  Scenario Outline: 17.8 A reader that stood still with a token meets no frame twice, after <count> of the next writer
    Given the 'reader' process starts process 'slow reader', which creates buffer 'standing' with metadata size '0' and payload size '4096'
    When the 'writer' process connects to buffer 'standing'
    And the 'writer' process writes '3' frames of size '1008' in a row
    And the 'reader' process has 'slow reader' read '3' frames from '1' on, and no further
    And the 'writer' process writes '1' frames of size '1008' in a row
    And the 'reader' process has 'slow reader' halt at 'reader.token' of a read
    And the 'writer' process is killed
    And a new 'writer' process connects to buffer 'standing'
    And the 'reader' process lets 'slow reader' go on, which then has frame '4'
    And the 'writer' process writes '<count>' frames of size '1008' in a row
    Then the 'reader' process has 'slow reader' read '<count>' frames from '1' on, and no further

    Examples:
      | count |
      | 1     |
      | 2     |
      | 4     |

  @points @clause:11.8
  Scenario: 17.10 A release under way is marked, and space comes back in the order of the protocol
    Given the 'reader' process starts process 'slow reader', which creates buffer 'half-released' with metadata size '0' and payload size '4096'
    When the 'writer' process connects to buffer 'half-released'
    And the 'writer' process writes '2' frames of size '1000' in a row
    And the 'reader' process has 'slow reader' halt at 'reader.free' of a read
    Then the header of buffer 'half-released' should show:
      | field              | value               |
      | released           | 9223372036854779904 |
      | payload_free_bytes | 3080                |
    And the space semaphore of buffer 'half-released' should stand at '0'
    When the 'reader' process lets 'slow reader' go on, which then has frame '1'
    Then the header of buffer 'half-released' should show:
      | field              | value |
      | released           | 5112  |
      | payload_free_bytes | 3080  |
    And the space semaphore of buffer 'half-released' should stand at '1'

  @points @clause:14.5 @clause:14.6
  Scenario: 17.11 A writer that comes in the middle of a release tries again and does not guess
    Given the 'reader' process starts process 'slow reader', which creates buffer 'in-between' with metadata size '0' and payload size '4096'
    When the 'writer' process connects to buffer 'in-between'
    And the 'writer' process writes '2' frames of size '1000' in a row
    And the 'writer' process closes buffer 'in-between'
    And the 'reader' process has 'slow reader' halt at 'reader.free' of a read
    And the 'writer' process attempts to connect to buffer 'in-between'
    Then the 'writer' process should get error 'writer_exists' not before '1000' ms
    And the sign of life of the writer of buffer 'in-between' should be free
    And the header of buffer 'in-between' should show:
      | field             | value |
      | connection_number | 1     |
      | writer_pid        | 0     |
    When the 'reader' process lets 'slow reader' go on, which then has frame '1'
    Then the 'reader' process has 'slow reader' read '1' frames from '2' on, and no further
    When the 'writer' process connects to buffer 'in-between'
    And the 'writer' process writes '2' frames of size '1000' in a row
    Then the header of buffer 'in-between' should show:
      | field             | value |
      | connection_number | 2     |
      | committed         | 8160  |
      | stream_start      | 6128  |
    And the 'reader' process has 'slow reader' read '2' frames from '1' on, and no further

  @points @clause:5.1 @clause:11.1
  Scenario: 17.12 A writer changes memory in the order of the protocol, and the token comes last
    Given the 'reader' process creates buffer 'in-order' with metadata size '0' and payload size '4096'
    When the 'writer' process starts process 'slow writer', which connects to buffer 'in-order' and writes '1' frames of size '484'
    And the 'writer' process has 'slow writer' halt at 'writer.header' of a write
    Then the frame header at '500' of buffer 'in-order' should show size '1000' and sequence '2'
    And the header of buffer 'in-order' should show:
      | field                 | value |
      | payload_free_bytes    | 3596  |
      | payload_write_pos     | 500   |
      | payload_written_count | 1     |
      | committed             | 4596  |
    When the 'writer' process lets 'slow writer' go on, which then has written frame '2'
    And the 'writer' process has 'slow writer' halt at 'writer.free' of a write
    Then the header of buffer 'in-order' should show:
      | field                 | value |
      | payload_free_bytes    | 1564  |
      | payload_write_pos     | 1516  |
      | payload_written_count | 2     |
      | committed             | 5612  |
    When the 'writer' process lets 'slow writer' go on, which then has written frame '3'
    And the 'reader' process reads '3' frames in a row
    Then the 'reader' process should verify the content of all frames
    When the 'writer' process has 'slow writer' halt at 'writer.count' of a write
    Then the header of buffer 'in-order' should show:
      | field                 | value |
      | payload_free_bytes    | 3080  |
      | payload_write_pos     | 3548  |
      | payload_written_count | 4     |
      | committed             | 6628  |
    When the 'writer' process lets 'slow writer' go on, which then has written frame '4'
    And the 'reader' process reads '1' frames in a row
    And the 'writer' process has 'slow writer' halt at 'writer.commit' of a write
    Then the header of buffer 'in-order' should show:
      | field                 | value |
      | payload_free_bytes    | 2532  |
      | payload_write_pos     | 1016  |
      | payload_written_count | 6     |
      | committed             | 9208  |
    And the data semaphore of buffer 'in-order' should stand at '0'
    When the 'writer' process lets 'slow writer' go on, which then has written frame '5'
    Then the data semaphore of buffer 'in-order' should stand at '1'

  @points @clause:3.2
  Scenario: 17.13 Metadata is there before its length tells of it
    Given the 'reader' process creates buffer 'told-last' with metadata size '64' and payload size '4096'
    When the 'writer' process starts process 'slow writer', which connects to buffer 'told-last' and writes '1' frames of size '100'
    And the 'writer' process has 'slow writer' halt at 'writer.metadata' of its metadata
    Then the memory of buffer 'told-last' should hold:
      | offset | bytes                                                 |
      | 128    | 0a 00 00 00 00 00 00 00 00 01 02 03 04 05 06 07 08 09 |
    And the header of buffer 'told-last' should show:
      | field                  | value |
      | metadata_free_bytes    | 64    |
      | metadata_written_bytes | 0     |
    When the 'reader' process tries to read metadata
    Then the 'reader' process should get error 'no_metadata'
    When the 'writer' process lets 'slow writer' go on, which then has written its metadata
    Then the 'reader' process should read metadata with size '10'

  @points @clause:7.1 @clause:14.6 @clause:16.3
  Scenario: 17.14 A reader names itself once all the rest of its buffer stands
    When the 'reader' process starts process 'slow reader', which halts at 'reader.formatted' of the creation of buffer 'named-last' with metadata size '64' and payload size '4096'
    Then every object of buffer 'named-last' should exist
    And the segment of buffer 'named-last' should be '4288' bytes long
    And the lock of buffer 'named-last' should be held
    And the sign of life of the reader of buffer 'named-last' should be held
    And the header of buffer 'named-last' should show:
      | field               | value |
      | oieb_size           | 128   |
      | version_major       | 1     |
      | metadata_size       | 64    |
      | metadata_free_bytes | 64    |
      | payload_size        | 4096  |
      | payload_free_bytes  | 4096  |
      | committed           | 4096  |
      | released            | 4096  |
      | reader_pid          | 0     |
    When the 'writer' process attempts to connect to buffer 'named-last'
    Then the 'writer' process should get error 'reader_dead' not before '50' ms
    When the 'reader' process lets 'slow reader' go on, which then has its buffer
    And the 'writer' process connects to buffer 'named-last'
    And the 'writer' process writes frame with size '1000' and sequence '1'
    Then the data semaphore of buffer 'named-last' should stand at '1'

  @points @clause:13.2 @clause:14.4
  Scenario: 17.15 A writer holds its lock and is announced before it claims the buffer
    Given the 'reader' process creates buffer 'told-first' with metadata size '0' and payload size '4096'
    When the 'writer' process starts process 'slow writer', which halts at 'writer.announced' of a connection to buffer 'told-first'
    Then the sign of life of the writer of buffer 'told-first' should be held
    And the header of buffer 'told-first' should show:
      | field             | value |
      | writer_pid        | 0     |
      | connection_number | 1     |
      | committed         | 4096  |
      | stream_start      | 4096  |
    And the 'reader' process should find no further frame
    When the 'writer' process lets 'slow writer' go on, which then writes '1' frames of size '1000'
    And the 'reader' process reads '1' frames in a row
    Then the 'reader' process should verify the content of all frames

  @points @corruption @clause:12.3 @clause:14.4
  Scenario: 17.16 A writer whose place another implementation has moved before the claim finds it once more
    Given the 'reader' process creates buffer 'moved' with metadata size '0' and payload size '4096'
    When the 'writer' process starts process 'slow writer', which halts at 'writer.announced' of a connection to buffer 'moved'
    And another implementation connects to buffer 'moved'
    And another implementation writes a frame of '100' bytes with sequence '1' to buffer 'moved'
    And another implementation leaves buffer 'moved'
    And the 'writer' process lets 'slow writer' go on, which then writes '1' frames of size '1000'
    Then the header of buffer 'moved' should show:
      | field             | value |
      | connection_number | 2     |
      | stream_start      | 4212  |
      | committed         | 5228  |
    And the 'reader' process should read frame with sequence '1' and size '100'
    And the 'reader' process should validate frame data
    And the 'reader' process should read frame with sequence '1' and size '1000'
    And the 'reader' process should validate frame data

  @points @corruption @clause:7.3 @clause:14.6
  Scenario: 17.17 A writer whose segment loses its name on the way in waits for the next one
    Given the 'reader' process creates buffer 'gone-on-the-way' with metadata size '0' and payload size '4096'
    When the 'writer' process starts process 'early writer', which halts at 'writer.opened' of a connection to buffer 'gone-on-the-way'
    And the segment of buffer 'gone-on-the-way' loses its name
    And the 'writer' process lets 'early writer' go on, and does not wait for it
    And the 'reader' process closes buffer 'gone-on-the-way'
    And the 'reader' process creates buffer 'gone-on-the-way' with metadata size '0' and payload size '4096'
    And the 'writer' process lets 'early writer' go on, which then writes '1' frames of size '1000'
    And the 'reader' process reads '1' frames in a row
    Then the 'reader' process should verify the content of all frames

  @clause:15.1
  Scenario: 17.18 What a reader holds when its writer dies is no room for the next one
    Given the 'reader' process creates buffer 'held-on' with metadata size '0' and payload size '4096'
    When the 'writer' process connects to buffer 'held-on'
    And the 'writer' process writes '2' frames of size '1000' in a row
    And the 'reader' process holds '2' frames
    And the 'writer' process is killed
    And the 'reader' process tries to hold one more frame
    Then the 'reader' process should get error 'writer_dead' within '50' ms
    And the header of buffer 'held-on' should show:
      | field                 | value |
      | payload_free_bytes    | 2064  |
      | payload_write_pos     | 2032  |
      | payload_written_count | 2     |
    And the 'reader' process should find held frame '1' unharmed
    When the 'reader' process releases held frame '1'
    Then the header of buffer 'held-on' should show:
      | field              | value |
      | payload_free_bytes | 3080  |

  @points @corruption @clause:1.2 @clause:14.4
  Scenario: 17.19 A writer whose place another implementation has taken before the claim takes its announcement back
    Given the 'reader' process creates buffer 'forestalled' with metadata size '0' and payload size '4096'
    When the 'writer' process starts process 'slow writer', which halts at 'writer.announced' of a connection to buffer 'forestalled'
    And another implementation connects to buffer 'forestalled'
    And the 'writer' process lets 'slow writer' go on, which may fail
    Then the 'writer' process should get error 'writer_exists'
    And the header of buffer 'forestalled' should show:
      | field             | value |
      | connection_number | 0     |
      | connection_pid    | 0     |
    When another implementation writes a frame of '100' bytes with sequence '1' to buffer 'forestalled'
    Then the 'reader' process should read frame with sequence '1' and size '100'
    And the 'reader' process should validate frame data

  @points @corruption @clause:8.2 @clause:14.2 @clause:14.5
  Scenario: 17.20 A writer that finds a dead one in the middle of a release leaves it as it is
    Given the 'reader' process starts process 'slow reader', which creates buffer 'not-yet' with metadata size '0' and payload size '4096'
    When another implementation connects to buffer 'not-yet'
    And another implementation writes a frame of '1000' bytes with sequence '1' to buffer 'not-yet'
    And the 'reader' process has 'slow reader' halt at 'reader.free' of a read
    And the header of buffer 'not-yet' is overwritten:
      | field      | value   |
      | writer_pid | 4194305 |
    And the 'writer' process attempts to connect to buffer 'not-yet'
    Then the 'writer' process should get error 'writer_exists' not before '1000' ms
    And the header of buffer 'not-yet' should show:
      | field      | value   |
      | writer_pid | 4194305 |
    When the 'reader' process lets 'slow reader' go on, which then has frame '1'
    And the 'writer' process connects to buffer 'not-yet'
    Then the header of buffer 'not-yet' should show:
      | field             | value |
      | committed         | 5112  |
      | payload_write_pos | 1016  |

  @points @clause:15.1
  Scenario: 17.21 What a writer had begun when it died is no more, once its reader has noticed
    Given the 'reader' process creates buffer 'settled' with metadata size '0' and payload size '4096'
    When the 'writer' process starts process 'first writer', which connects to buffer 'settled' and writes '2' frames of size '1000'
    And the 'writer' process has 'first writer' die at 'writer.count' of a write
    Then the 'reader' process should read '2' frames and then get error 'writer_dead'
    And the header of buffer 'settled' should show:
      | field                 | value |
      | payload_free_bytes    | 4096  |
      | payload_write_pos     | 2032  |
      | payload_written_count | 2     |
      | committed             | 6128  |
    And the data semaphore of buffer 'settled' should stand at '0'

  @corruption @clause:14.2 @clause:15.1
  Scenario: 17.22 What another implementation wrote behind a writer that then died is no room for the next one
    Given the 'reader' process creates buffer 'behind-it' with metadata size '0' and payload size '4096'
    When the 'writer' process connects to buffer 'behind-it'
    And the 'writer' process writes frame with size '1000' and sequence '1'
    And another implementation writes a frame of '1000' bytes with sequence '2' to buffer 'behind-it'
    And the 'writer' process is killed
    And the 'reader' process holds '2' frames
    And the 'reader' process tries to hold one more frame
    Then the 'reader' process should get error 'writer_dead' within '50' ms
    When a new 'writer' process connects to buffer 'behind-it'
    Then the header of buffer 'behind-it' should show:
      | field              | value |
      | payload_free_bytes | 2064  |
      | payload_write_pos  | 2032  |
      | committed          | 6128  |
    When the 'writer' process writes frame with size '1000' and sequence '1'
    Then the 'reader' process should find held frame '2' unharmed
    And the 'reader' process should read frame with sequence '1' and size '1000'
    And the 'reader' process should validate frame data

  @points @corruption @clause:15.1
  Scenario: 17.23 A reader that is about to settle a death settles nothing once another writer has come
    Given the 'reader' process starts process 'slow reader', which creates buffer 'taken-over' with metadata size '0' and payload size '4096'
    When the 'writer' process connects to buffer 'taken-over'
    And the 'writer' process writes '1' frames of size '1000' in a row
    And the 'reader' process has 'slow reader' read '1' frames from '1' on, and no further
    And the 'writer' process is killed
    And the 'reader' process has 'slow reader' halt at 'reader.death' of a read
    And another implementation connects to buffer 'taken-over'
    And the header of buffer 'taken-over' is overwritten:
      | field              | value |
      | payload_free_bytes | 3000  |
    And the 'reader' process lets 'slow reader' go on, which may fail
    Then the 'reader' process should get error 'writer_dead' with reason 'died'
    And the header of buffer 'taken-over' should show:
      | field              | value |
      | payload_free_bytes | 3000  |
      | payload_write_pos  | 1016  |
