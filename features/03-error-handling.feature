Feature: Error handling
  Metadata is written once, within its block, or not at all.

  Background:
    Given the test environment is initialized
    And all processes are ready

  @clause:3.3
  Scenario: 3.1 Metadata is written once and the original stays
    Given the 'reader' process creates buffer 'metadata-once' with metadata size '1024' and payload size '10240'
    And the 'writer' process connects to buffer 'metadata-once'
    And the 'writer' process writes metadata with size '500'
    When the 'writer' process tries to write metadata with size '200'
    Then the 'writer' process should get error 'metadata_exists'
    And the 'reader' process should read metadata with size '500'

  @clause:3.1 @clause:3.3
  Scenario: 3.2 Metadata larger than its block is refused, the largest that fits is not
    Given the 'reader' process creates buffer 'metadata-size' with metadata size '128' and payload size '10240'
    And the 'writer' process connects to buffer 'metadata-size'
    When the 'writer' process tries to write metadata with size '121'
    Then the 'writer' process should get error 'metadata_too_large'
    When the 'writer' process writes metadata with size '120'
    Then the 'reader' process should read metadata with size '120'

  @clause:3.5
  Scenario: 3.3 A buffer works without metadata
    Given the 'reader' process creates buffer 'no-metadata' with metadata size '1024' and payload size '10240'
    And the 'writer' process connects to buffer 'no-metadata'
    When the 'writer' process writes frame with size '1024' and sequence '1'
    Then the 'reader' process should read frame with sequence '1' and size '1024'
    And the 'reader' process should validate frame data
    When the 'reader' process tries to read metadata
    Then the 'reader' process should get error 'no_metadata'
