Feature: Error handling
  Metadata is written once, within its block, or not at all.

  Background:
    Given the test environment is initialized
    And all processes are ready

  @clause:3.3
  Scenario: 3.1 Metadata is written once and the original stays
    Given the 'reader' process creates buffer 'metadata-once' with metadata size '1024' and payload size '10240'
    When the 'writer' process connects to buffer 'metadata-once'
    And the 'writer' process writes metadata with size '500'
    And the 'writer' process attempts to write metadata again with size '200'
    Then the 'writer' process verifies the second metadata write should fail
    And the 'reader' process verifies the original metadata should remain unchanged

  @clause:3.1 @clause:3.3
  Scenario: 3.2 Metadata larger than its block is refused
    Given the 'reader' process creates buffer 'metadata-size' with metadata size '512' and payload size '10240'
    When the 'writer' process connects to buffer 'metadata-size'
    And the 'writer' process attempts to write metadata with size '505'
    Then the 'writer' process verifies the metadata write should fail with size error

  @clause:3.5
  Scenario: 3.3 A buffer works without metadata
    Given the 'reader' process creates buffer 'no-metadata' with metadata size '1024' and payload size '10240'
    When the 'writer' process connects to buffer 'no-metadata'
    And the 'writer' process writes frames without metadata
    Then the 'reader' process should read frames successfully
    And the 'reader' process verifies the system should work without metadata

  @clause:3.1
  Scenario: 3.4 The largest metadata that fits is not refused, also after one that was
    Given the 'reader' process creates buffer 'metadata-fits' with metadata size '128' and payload size '10240'
    When the 'writer' process connects to buffer 'metadata-fits'
    And the 'writer' process attempts to write metadata with size '121'
    Then the 'writer' process should get error 'metadata_too_large' with size '121' and limit '120'
    When the 'writer' process writes metadata with size '120'
    Then the 'reader' process should read metadata with size '120'
