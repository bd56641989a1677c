Feature: System resources
  What the system refuses is said plainly and leaves nothing behind. The field gives numbers of this feature to
  another subject, too: the Rule says to which.

  Background:
    Given the test environment is initialized
    And all processes are ready

  @clause:7.2
  Scenario: 7.1 A semaphore that cannot be made leaves nothing behind
    Given an obstacle stands in the place of the 'space semaphore' of buffer 'half-made'
    When the 'reader' process tries to create buffer 'half-made' with metadata size '1024' and payload size '10240'
    Then the 'reader' process should get error 'system_error'
    And no object of buffer 'half-made' should exist
    When the obstacles of buffer 'half-made' are removed
    And the 'reader' process creates buffer 'half-made' with metadata size '1024' and payload size '10240'
    Then every object of buffer 'half-made' should exist

  @process @clause:7.2
  Scenario: 7.2 Memory that cannot be had is refused with a clear error
    When the 'reader' process may use at most '64MiB' more of address space
    And the 'reader' process tries to create buffer 'too-much' with metadata size '0' and payload size '1073741824'
    Then the 'reader' process should get error 'resource_exhausted'
    And no object of buffer 'too-much' should exist
    When the limits of the 'reader' process are lifted
    And the 'reader' process creates buffer 'too-much' with metadata size '0' and payload size '65536'
    Then every object of buffer 'too-much' should exist

  @process @linux @clause:7.5
  Scenario: 7.5 A buffer that comes and goes in one process leaves it nothing
    When the 'reader' process creates and closes buffer 'short-lived' '10' times
    Then the 'reader' process should hold no more resources than before
    And no object of buffer 'short-lived' should exist

  @process @linux @clause:7.4 @clause:7.10
  Scenario: 7.6 Writers that come and go leave nothing, neither to their process nor to the reader's
    Given the 'reader' process creates buffer 'visited' with metadata size '0' and payload size '4096'
    When the 'writer' process connects to buffer 'visited', writes a frame and leaves, '10' times
    And the 'reader' process reads '10' frames, each the first one of its writer
    Then the 'writer' process should hold no more resources than before
    And the 'reader' process should hold no more resources than before

  @process @linux @clause:5.5 @clause:7.5
  Scenario: 7.7 What is lent when its owner closes goes with it
    When the 'reader' process closes both sides of buffer 'lent' with a frame and a place lent, '10' times
    Then the 'reader' process should hold no more resources than before
    And no object of buffer 'lent' should exist

  @process @linux @corruption @clause:1.4 @clause:7.2 @clause:8.2
  Scenario: 7.8 A refusal costs nothing, whatever it is for
    Given the 'reader' process creates buffer 'refusing' with metadata size '0' and payload size '4096'
    When the 'writer' process connects to buffer 'refusing'
    And the 'writer' process is refused buffer 'refusing' as a writer with 'writer_exists', '10' times
    And the 'writer' process is refused buffer 'refusing' as a reader with 'buffer_in_use', '4' times
    And the word at '0' of the data semaphore of buffer 'refusing' is overwritten with '2147483648'
    And the 'writer' process is refused buffer 'refusing' as a writer with 'invalid_oieb', '10' times
    And the header of buffer 'refusing' is overwritten:
      | field        | value |
      | payload_size | 4032  |
    And the 'writer' process is refused buffer 'refusing' as a writer with 'invalid_oieb', '10' times
    Then the 'writer' process should hold no more resources than before

  @process @linux @clause:7.2 @clause:8.2
  Scenario Outline: 7.9 A <obstacle> in the place of the <what> refuses a reader, and costs nothing
    Given a <obstacle> stands in the place of the '<what>' of buffer 'in-the-way'
    When the 'reader' process is refused buffer 'in-the-way' as a reader with '<error>', '4' times
    Then the 'reader' process should hold no more resources than before
    And no object of buffer 'in-the-way' should exist
    When the obstacles of buffer 'in-the-way' are removed
    And the 'reader' process creates buffer 'in-the-way' with metadata size '64' and payload size '1024'
    Then every object of buffer 'in-the-way' should exist

    Examples:
      | what    | obstacle      | error        |
      | lock    | directory     | system_error |
      | lock    | FIFO          | system_error |
      | lock    | symbolic link | system_error |
      | segment | directory     | system_error |
      | segment | FIFO          | invalid_oieb |
      | segment | symbolic link | system_error |

  @process @linux @clause:1.4 @clause:7.3 @clause:8.2
  Scenario Outline: 7.10 A <obstacle> in the place of the <what> refuses a writer, and costs nothing
    Given the 'reader' process creates buffer 'not-there' with metadata size '0' and payload size '1024'
    And a <obstacle> stands in the place of the '<what>' of buffer 'not-there'
    When the 'writer' process is refused buffer 'not-there' as a writer with '<error>', '4' times
    Then the 'writer' process should hold no more resources than before
    When the obstacles of buffer 'not-there' are removed
    And the 'reader' process closes buffer 'not-there'
    Then no object of buffer 'not-there' should exist

    Examples:
      | what            | obstacle      | error        |
      | segment         | directory     | system_error |
      | segment         | FIFO          | invalid_oieb |
      | segment         | symbolic link | system_error |
      | data semaphore  | FIFO          | invalid_oieb |
      | space semaphore | symbolic link | system_error |

  @process @clause:7.2 @clause:7.3
  Scenario: 7.11 Memory that a writer cannot have is refused with a clear error
    Given the 'reader' process creates buffer 'too-far' with metadata size '0' and payload size '134217728'
    When the 'writer' process may use at most '64MiB' more of address space
    And the 'writer' process attempts to connect to buffer 'too-far'
    Then the 'writer' process should get error 'resource_exhausted'
    When the limits of the 'writer' process are lifted
    And the 'writer' process connects to buffer 'too-far'
    And the 'writer' process writes frame with size '100' and sequence '1'
    Then the 'reader' process should read frame with sequence '1' and size '100'

  Rule: Contents belong with features 6 and 16

    @slow @clause:2.2 @clause:5.1
    Scenario: 7.3 A structure of many fields is seen whole after the signal, one hundred thousand times
      Given the 'reader' process creates buffer 'structures' with metadata size '0' and payload size '10240'
      When the 'writer' process connects to buffer 'structures'
      And the 'writer' process writes '100000' frames of size '96' as fast as possible
      And the 'reader' process reads '100000' frames in a row
      Then the 'reader' process should verify the content of all frames
      And no sequence errors should have occurred

    @clause:4.1
    Scenario Outline: 7.4 Every byte of an incrementing pattern of '<size>' bytes arrives
      Given the 'reader' process creates buffer 'pattern' with metadata size '0' and payload size '11534336'
      When the 'writer' process connects to buffer 'pattern'
      And the 'writer' process writes frame with size '<size>' and sequence '1'
      Then the 'reader' process should read frame with sequence '1' and size '<size>'
      And the 'reader' process should validate frame data

      Examples:
        | size     |
        | 1        |
        | 1024     |
        | 1048576  |
        | 10485760 |
