@process
Feature: Process lifecycle
  Processes die without a word; the survivor learns it, and the buffer can be had again.

  Background:
    Given the test environment is initialized
    And all processes are ready

  @crash @clause:7.7 @clause:7.9
  Scenario: 2.1 The reader learns that the writer was killed
    Given the 'reader' process creates buffer 'writer-dies' with metadata size '1024' and payload size '10240'
    When the 'writer' process connects to buffer 'writer-dies'
    And the 'writer' process writes frame with data 'last words'
    And the 'writer' process is killed
    Then the 'reader' process should read frame with data 'last words'
    And the 'reader' process should timeout or detect writer death on next read

  @crash @clause:7.8 @clause:7.9
  Scenario: 2.2 The writer of a full buffer learns on its next write that the reader crashed
    Given the 'reader' process creates buffer 'reader-dies' with metadata size '1024' and payload size '10240'
    When the 'writer' process connects to buffer 'reader-dies'
    And the 'writer' process fills buffer completely
    And the 'reader' process crashes
    Then the 'writer' process should detect reader death on next write

  @crash @clause:4.2 @clause:7.11
  Scenario: 2.3 A new reader takes the place of a crashed one
    Given the 'reader' process creates buffer 'reader-returns' with metadata size '1024' and payload size '10240'
    When the 'writer' process connects to buffer 'reader-returns'
    And the 'writer' process writes frame with size '1024' and sequence '1'
    And the 'reader' process reads one frame
    And the 'reader' process is killed
    And the 'writer' process attempts to write '1024' byte frame
    Then the 'writer' process should get error 'reader_dead'
    When the 'writer' process closes buffer 'reader-returns'
    And a new 'reader' process creates buffer 'reader-returns' with metadata size '512' and payload size '5120'
    And the 'writer' process connects to buffer 'reader-returns'
    And the 'writer' process writes frame with size '512' and sequence '1'
    Then the 'reader' process should read frame with sequence '1' and size '512'
    And the 'reader' process should validate frame data

  @clause:1.2 @clause:8.2
  Scenario: 2.4 A second writer is refused and the first one goes on
    Given the 'reader' process creates buffer 'one-writer' with metadata size '1024' and payload size '10240'
    When the 'writer' process connects to buffer 'one-writer'
    And the 'writer' process writes frame with size '1024' and sequence '1'
    And a second 'writer' process attempts to connect to buffer 'one-writer'
    Then the connection should fail with writer exists error
    When the 'writer' process writes frame with size '512' and sequence '2'
    Then the 'reader' process should read frame with sequence '1' and size '1024'
    And the 'reader' process should read frame with sequence '2' and size '512'
    And the 'reader' process should validate frame data
