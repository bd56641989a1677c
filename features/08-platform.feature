Feature: Platform
  The objects of the operating system: their names, their places, their end.

  Background:
    Given the test environment is initialized
    And all processes are ready

  @linux @clause:1.1 @clause:2.3 @clause:7.5
  Scenario: 8.1 The objects stand where the protocol says and are gone after the shutdown
    Given the 'reader' process creates buffer 'Linux_objects-1.0' with metadata size '1024' and payload size '10240'
    When the 'writer' process connects to buffer 'Linux_objects-1.0'
    Then every object of buffer 'Linux_objects-1.0' should exist
    And the segment of buffer 'Linux_objects-1.0' should be '11392' bytes long
    When the 'writer' process writes frame with data 'across the platform'
    Then the 'reader' process should read frame with data 'across the platform'
    When the 'writer' process closes buffer 'Linux_objects-1.0'
    And the 'reader' process closes buffer 'Linux_objects-1.0'
    Then no object of buffer 'Linux_objects-1.0' should exist

  @windows
  Scenario: 8.2 Windows: named objects in the session's namespace
    Given the 'reader' process creates buffer 'windows-objects' with metadata size '1024' and payload size '10240'
    When the 'writer' process connects to buffer 'windows-objects'
    Then the named objects of buffer 'windows-objects' should stand in the namespace of the session

  @clause:1.3
  Scenario Outline: 8.3 The name '<name>' is legal
    Given the 'reader' process creates buffer '<name>' with default config
    When the 'writer' process connects to buffer '<name>'
    And the 'writer' process writes frame with size '64' and sequence '1'
    Then every object of buffer '<name>' should exist
    And the 'reader' process should read frame with sequence '1' and size '64'
    And the 'reader' process should validate frame data

    Examples:
      | name          |
      | letters       |
      | UPPER         |
      | 0123456789    |
      | dash-dash     |
      | under_score   |
      | dot.dot       |

  @clause:1.3
  Scenario Outline: 8.5 A name with <what> is refused before anything is touched
    When the 'reader' process tries to create a buffer with exactly the name <name>
    Then the 'reader' process should get error 'invalid_name'

    Examples:
      | what                | name         |
      | nothing in it       | ""           |
      | a slash             | "a/b"        |
      | a way upwards       | ".."         |
      | a blank             | "a b"        |
      | a control character | "a\\u0007b"  |
      | a letter of no use  | "na\\u00efve" |
      | a zero byte         | "a\\u0000b"  |
      | a semaphore's place | "sem.a"      |

  @clause:1.3
  Scenario: 8.6 The longest legal name works and one character more does not
    When the 'reader' process tries to create a buffer with a name of '246' characters
    Then the 'reader' process should get error 'invalid_name'
    When the 'reader' process creates a buffer with a name of '245' characters
    And the 'writer' process connects to the buffer with a name of '245' characters
    And the 'writer' process writes frame with size '64' and sequence '1'
    Then the 'reader' process should read frame with sequence '1' and size '64'
    And the 'reader' process should validate frame data

  @clause:1.5 @clause:7.1 @clause:16.2
  Scenario Outline: 8.4 <what> of a dead owner is replaced
    Given the 'reader' process comes upon a stale '<what>' of buffer 'stale' that a dead process left
    When the 'reader' process creates buffer 'stale' with metadata size '512' and payload size '5120'
    And the 'writer' process connects to buffer 'stale'
    Then the segment of buffer 'stale' should be '5760' bytes long
    And the data semaphore of buffer 'stale' should stand at '0'
    And the lock of buffer 'stale' should be held
    When the 'writer' process writes frame with size '1024' and sequence '1'
    Then the 'reader' process should read frame with sequence '1' and size '1024'
    And the 'reader' process should validate frame data
    And the 'reader' process should find no further frame

    Examples:
      | what            |
      | lock            |
      | segment         |
      | data semaphore  |
      | space semaphore |
      | everything      |

  @clause:1.6
  Scenario Outline: 8.7 A lock file that leads elsewhere by '<way>' is refused, and what it leads to stays as it is
    Given the lock file of buffer 'misled' leads by '<way>' to a stranger's file
    When the 'reader' process tries to create buffer 'misled' with metadata size '64' and payload size '1024'
    Then the 'reader' process should get error 'system_error'
    And no object of buffer 'misled' should exist
    And the stranger's file of buffer 'misled' should be as it was
    When the obstacles of buffer 'misled' are removed
    And the 'reader' process creates buffer 'misled' with metadata size '64' and payload size '1024'
    Then every object of buffer 'misled' should exist

    Examples:
      | way             |
      | a symbolic link |
      | a hard link     |

  @clause:16.2
  Scenario Outline: 8.8 A segment of '<length>' bytes that are all 0 was left by a creation that broke off, and is replaced
    Given the 'reader' process comes upon '<length>' bytes of shared memory under the name of buffer 'unborn', all 0
    When the 'reader' process creates buffer 'unborn' with metadata size '64' and payload size '1024'
    Then the segment of buffer 'unborn' should be '1216' bytes long

    Examples:
      | length |
      | 1      |
      | 32     |
      | 70000  |

  @clause:8.2 @clause:16.2
  Scenario Outline: 8.9 '<length>' bytes of another program's shared memory, all 0 but the <other>, stay as they are
    Given the 'reader' process comes upon '<length>' bytes of shared memory under the name of buffer 'strange', all 0 but the <other>
    When the 'reader' process tries to create buffer 'strange' with metadata size '64' and payload size '1024'
    Then the 'reader' process should get error 'invalid_oieb'
    And the shared memory under the name of buffer 'strange' should be '<length>' bytes, all 0 but the <other>

    Examples:
      | length | other |
      | 16     | last  |
      | 16     | first |
      | 70000  | last  |

  @clause:1.5
  Scenario: 8.10 A lock file that is held for a moment does not end a creation at once
    Given the 'reader' process finds the lock of buffer 'asked-for' held as by a reader that creates it anew
    When the 'reader' process tries to create buffer 'asked-for' with metadata size '64' and payload size '1024'
    Then the 'reader' process should get error 'buffer_in_use' not before '50' ms
    When the 'reader' process sees the lock of buffer 'asked-for' given back
    And the 'reader' process creates buffer 'asked-for' with metadata size '64' and payload size '1024'
    Then every object of buffer 'asked-for' should exist

  @linux @clause:1.6 @clause:1.7
  Scenario Outline: 8.11 A lock directory that is <what> has mode <mode> afterwards, and all objects 600, whatever the umask
    When the 'reader' process whose umask is '277' and whose lock directory is <what> tries to create buffer 'elsewhere'
    Then every object of buffer 'elsewhere' should have mode '600', and the lock directory mode '<mode>'
    When the 'reader' process closes the buffer that has its lock there
    Then no object of buffer 'elsewhere' should exist
    And the lock directory should be empty

    Examples:
      | what                           | mode |
      | missing                        | 1777 |
      | missing like the one around it | 1777 |
      | there                          | 755  |

  @linux @clause:1.6 @clause:8.2
  Scenario Outline: 8.12 A lock directory that is <what> is refused, and stays as it is
    When the 'reader' process whose umask is '277' and whose lock directory is <what> tries to create buffer 'misplaced'
    Then the 'reader' process should get error 'system_error'
    And no object of buffer 'misplaced' should exist
    And the lock directory should be as it was

    Examples:
      | what            |
      | a symbolic link |
      | a file          |

  @linux @clause:13.4
  Scenario: 8.13 Programs that a process starts inherit nothing of its buffers
    Given the 'reader' process creates buffer 'to-itself' with metadata size '64' and payload size '1024'
    When the 'writer' process connects to buffer 'to-itself'
    And the 'writer' process writes frame with size '100' and sequence '1'
    Then the 'reader' process should hand down nothing of buffer 'to-itself' to the programs that it starts
    And the 'writer' process should hand down nothing of buffer 'to-itself' to the programs that it starts

  @clause:8.2 @clause:16.2
  Scenario Outline: 8.14 A segment whose '<field>' is '<value>' is another program's, and stays
    Given the 'reader' process comes upon a stale 'segment' of buffer 'of-another-kind' that a dead process left
    And the header of buffer 'of-another-kind' is overwritten:
      | field   | value   |
      | <field> | <value> |
    When the 'reader' process tries to create buffer 'of-another-kind' with metadata size '0' and payload size '2048'
    Then the 'reader' process should get error 'invalid_oieb'
    And the segment of buffer 'of-another-kind' should be '1216' bytes long

    Examples:
      | field         | value |
      | version_major | 2     |
      | oieb_size     | 64    |
