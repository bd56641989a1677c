@benchmark @process
Feature: Benchmarks
  They report numbers, and check only what is true by design.

  Background:
    Given the test environment is initialized
    And all processes are ready

  @duplex
  Scenario Outline: 14.1 Round trip of '<size>' bytes
    Given the 'server' process creates immutable duplex channel 'latency' with default config
    And the 'server' process starts echo handler
    When the 'client' process creates duplex channel client 'latency'
    And the 'client' process measures '1000' round trips of size '<size>'
    Then the 'client' process should report the spread of its round trips

    Examples:
      | size    |
      | 1       |
      | 1024    |
      | 65536   |

  Scenario Outline: 14.2 Throughput of frames of '<size>' bytes
    Given the 'reader' process creates buffer 'throughput' with metadata size '0' and payload size '16777216'
    When the 'writer' process connects to buffer 'throughput'
    And the 'writer' process streams '<count>' frames of size '<size>' as fast as possible
    And the 'reader' process takes '<count>' frames without looking at them
    Then the 'reader' process should report its throughput and processor time
    And the 'writer' process should report its throughput and processor time

    Examples:
      | size    | count |
      | 64      | 50000 |
      | 4096    | 50000 |
      | 65536   | 20000 |
      | 1048576 | 2000  |

  Scenario Outline: 14.3 Frames of '<size>' bytes through '<payload>' bytes: the cost of wrapping
    Given the 'reader' process creates buffer 'wrapping' with metadata size '0' and payload size '<payload>'
    When the 'writer' process connects to buffer 'wrapping'
    And the 'writer' process streams '20000' frames of size '<size>' as fast as possible
    And the 'reader' process takes '20000' frames without looking at them
    Then the 'reader' process should report its throughput and processor time

    Examples:
      | size | payload |
      | 1000 | 1048576 |
      | 1000 | 3072    |

  Scenario: 14.4 Frame by frame: what publication of one byte costs
    Given the 'reader' process creates buffer 'publication' with metadata size '0' and payload size '1048576'
    When the 'writer' process connects to buffer 'publication'
    And the 'writer' process streams '50000' frames of size '1' as fast as possible
    And the 'reader' process takes '50000' frames without looking at them
    Then the 'reader' process should report its throughput and processor time
    And the 'writer' process should report its throughput and processor time

  Scenario Outline: 14.5 The cost of waking a reader every '<interval>' microseconds
    Given the 'reader' process creates buffer 'waking' with metadata size '0' and payload size '65536'
    When the 'writer' process connects to buffer 'waking'
    And the 'writer' process writes '<count>' frames of size '64' every '<interval>' microseconds
    And the 'reader' process takes '<count>' frames without looking at them
    Then the 'reader' process should report its throughput and processor time

    Examples:
      | interval | count |
      | 10000    | 100   |
      | 1000     | 1000  |
      | 100      | 5000  |

  Scenario: 14.6 A slow reader fills the buffer to four fifths; it recovers when it hurries
    Given the 'reader' process creates buffer 'utilisation' with metadata size '0' and payload size '104000'
    When the 'writer' process connects to buffer 'utilisation'
    And the 'writer' process writes '400' frames of size '1024' as fast as possible
    And the 'reader' process watches buffer 'utilisation' fill to '80' percent
    And the 'reader' process takes '400' frames without looking at them
    Then buffer 'utilisation' should be empty within '1000' ms
