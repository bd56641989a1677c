Feature: Basic communication
  One reader creates a buffer, one writer connects to it, and frames pass in order and unharmed.

  Background:
    Given the test environment is initialized
    And all processes are ready

  @clause:5.1 @clause:6.2 @clause:7.1 @clause:7.3
  Scenario: 1.1 Simple write and read
    Given the 'reader' process creates buffer 'test-basic' with metadata size '1024' and payload size '10240'
    When the 'writer' process connects to buffer 'test-basic'
    And the 'writer' process writes metadata with size '100'
    And the 'writer' process writes frame with size '1024' and sequence '1'
    Then the 'reader' process should read frame with sequence '1' and size '1024'
    And the 'reader' process should validate frame data
    And the 'reader' process signals space available

  @clause:4.2
  Scenario: 1.2 Three frames arrive in order
    Given the 'reader' process creates buffer 'test-multi' with metadata size '1024' and payload size '10240'
    When the 'writer' process connects to buffer 'test-multi'
    And the 'writer' process writes frame with sequence '1'
    And the 'writer' process writes frame with sequence '2'
    And the 'writer' process writes frame with sequence '3'
    Then the 'reader' process should read frame with sequence '1'
    And the 'reader' process should read frame with sequence '2'
    And the 'reader' process should read frame with sequence '3'
    And the 'reader' process should verify all frames maintain sequential order

  @clause:5.2 @clause:6.5
  Scenario: 1.3 A full buffer holds the writer back until a frame is released
    Given the 'reader' process creates buffer 'test-full' with metadata size '1024' and payload size '10240'
    When the 'writer' process connects to buffer 'test-full'
    And the 'writer' process writes frames until buffer is full
    Then the 'writer' process should experience timeout on next write
    When the 'reader' process reads one frame
    And the 'reader' process signals space available
    Then the 'writer' process should write successfully immediately

  @clause:5.5
  Scenario: 1.4 A zero-copy frame carries its pattern
    Given the 'reader' process creates buffer 'test-zerocopy' with metadata size '1024' and payload size '10240'
    When the 'writer' process connects to buffer 'test-zerocopy'
    And the 'writer' process requests zero-copy frame of size '4096'
    And the 'writer' process fills zero-copy buffer with test pattern
    And the 'writer' process commits zero-copy frame
    Then the 'reader' process should read frame with size '4096'
    And the 'reader' process should verify frame data matches test pattern

  @clause:4.1
  Scenario: 1.5 Frames of mixed sizes arrive in order
    Given the 'reader' process creates buffer 'test-sizes' with metadata size '1024' and payload size '16384'
    When the 'writer' process connects to buffer 'test-sizes'
    And the 'writer' process writes frame with size '100'
    And the 'writer' process writes frame with size '1024'
    And the 'writer' process writes frame with size '10240'
    And the 'writer' process writes frame with size '1'
    Then the 'reader' process should read 4 frames with sizes '100,1024,10240,1' in order
    And the 'reader' process should verify all frames maintain sequential order

  @clause:5.2
  Scenario: 1.6 A reader slower than the writer loses nothing
    Given the 'reader' process creates buffer 'test-flow' with metadata size '0' and payload size '5200'
    When the 'writer' process connects to buffer 'test-flow'
    And the 'writer' process writes '20' frames of size '1024' as fast as possible
    And the 'reader' process reads frames with '100' ms delay between each read
    Then the 'reader' process should have read '20' frames
    And the 'reader' process should verify all frames have sequential sequence numbers starting from '1'
    And no sequence errors should have occurred

  @clause:5.2
  Scenario: 1.7 Five thousand frames at full speed through room for five
    Given the 'reader' process creates buffer 'test-rapid' with metadata size '0' and payload size '5200'
    When the 'writer' process connects to buffer 'test-rapid'
    And the 'writer' process writes '5000' frames of size '1024' as fast as possible
    And the 'reader' process reads frames with '0' ms delay between each read
    Then the 'reader' process should have read '5000' frames
    And the 'reader' process should verify all frames have sequential sequence numbers starting from '1'
    And no sequence errors should have occurred
