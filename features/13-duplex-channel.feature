@duplex
Feature: Duplex channel
  A client asks, a server answers, over two buffers; the n-th answer belongs to the n-th request.

  @clause:9.1
  Scenario: 13.1 Echo of small and large requests
    Given the 'server' process creates immutable duplex channel 'duplex-basic' with metadata size '4096' and payload size '1048576'
    And the 'server' process starts echo handler
    When the 'client' process creates duplex channel client 'duplex-basic'
    And the 'client' process sends request with size '1'
    Then response should match request with size '1'
    When the 'client' process sends request with size '1024'
    Then response should match request with size '1024'
    When the 'client' process sends request with size '102400'
    Then response should match request with size '102400'

  @clause:9.2
  Scenario: 13.2 Ten requests are answered in order
    Given the 'server' process creates immutable duplex channel 'duplex-sequence' with default config
    And the 'server' process starts echo handler
    When the 'client' process creates duplex channel client 'duplex-sequence'
    And the 'client' process sends '10' requests sequentially
    Then the 'client' process receives '10' responses in order
    And responses should match requests by content
    And no responses should be lost or duplicated

  @clause:9.2
  Scenario: 13.3 Twenty requests from one thread
    Given the 'server' process creates immutable duplex channel 'duplex-single-thread' with default config
    And the 'server' process starts echo handler
    When the 'client' process creates duplex channel client 'duplex-single-thread'
    And the 'client' process sends '20' requests from single thread
    Then the 'client' process receives exactly '20' responses
    And all '20' responses match their requests

  @clause:9.2
  Scenario: 13.4 A handler of one thread answers one request after the other
    Given the 'server' process creates immutable duplex channel 'duplex-serial' with processing mode 'SingleThread'
    And the 'server' process starts handler with '100' ms processing time
    When the 'client' process creates duplex channel client 'duplex-serial'
    And the 'client' process sends '3' requests sequentially
    And the 'client' process measures total response time
    Then total time should be at least '300' ms
    And responses should arrive in order

  @process @crash @clause:9.3
  Scenario: 13.5 The client learns at once that the server died at its work
    Given the 'server' process creates immutable duplex channel 'duplex-server-dies' with default config
    And the 'server' process starts handler with '60000' ms processing time
    When the 'client' process creates duplex channel client 'duplex-server-dies'
    And the 'client' process starts a request with size '1024'
    Then the 'client' process should be blocked
    When the 'server' process is killed
    Then the 'client' process should get error 'writer_dead' or 'reader_dead' within '50' ms of the death

  @clause:5.2 @clause:9.2
  Scenario: 13.6 A server whose client reads no responses waits, and goes on once it does
    Given the 'server' process creates immutable duplex channel 'duplex-full' with default config
    And the 'server' process starts handler that doubles request size
    When the 'client' process creates duplex channel client 'duplex-full' with a response buffer of '10240' bytes
    And the 'client' process sends '8' requests of size '2000' without reading
    Then at most '2' responses should stand in the response buffer of channel 'duplex-full'
    When the 'client' process receives '8' responses in order
    Then all '8' responses should be their requests twice over

  @clause:5.5 @clause:9.2
  Scenario: 13.7 A request written in place is answered like any other
    Given the 'server' process creates immutable duplex channel 'duplex-zero-copy' with default config
    And the 'server' process starts echo handler
    When the 'client' process creates duplex channel client 'duplex-zero-copy'
    And the 'client' process sends request with size '4096' written in place
    Then response should match request with size '4096'

  @clause:9.4
  Scenario: 13.8 A handler that transforms sees a request that it cannot change
    Given the 'server' process creates immutable duplex channel 'duplex-xor' with default config
    And the 'server' process starts handler that implements XOR with key '0xFF'
    When the 'client' process creates duplex channel client 'duplex-xor'
    And the 'client' process sends '10240' byte frame with test pattern
    Then response should contain XOR transformed data
    And the server handler receives immutable request frame
    And the server handler returns new response data

  @process @crash @clause:9.3 @clause:9.5
  Scenario: 13.9 The server outlives a client and serves the next one
    Given the 'server' process creates immutable duplex channel 'duplex-client-dies' with default config
    And the 'server' process starts handler with '700' ms processing time
    When the 'client' process creates duplex channel client 'duplex-client-dies'
    And the 'client' process starts a request with size '1024'
    And the 'client' process is killed
    And a new 'client' process creates duplex channel client 'duplex-client-dies'
    And the 'client' process sends request with size '512'
    Then response should match request with size '512'

  @clause:7.5 @clause:9.3
  Scenario: 13.10 A server that ends with answers owing tells its client and leaves nothing
    Given the 'server' process creates immutable duplex channel 'duplex-disposed' with default config
    And the 'server' process starts handler with '1500' ms processing time
    When the 'client' process creates duplex channel client 'duplex-disposed'
    And the 'client' process starts a request with size '1024'
    And the 'client' process starts a request with size '1024'
    And the 'server' process stops its channel
    Then the 'client' process should get error 'writer_dead' or 'reader_dead' for what the server still owes
    When the 'client' process closes its channel
    Then no object of channel 'duplex-disposed' should exist
    Given the 'server' process creates immutable duplex channel 'duplex-disposed' with default config
    And the 'server' process starts echo handler
    When the 'client' process creates duplex channel client 'duplex-disposed'
    And the 'client' process sends request with size '100'
    Then response should match request with size '100'

  @clause:9.1 @clause:9.4
  Scenario: 13.11 Two channels in one process do not mix
    Given the 'server' process creates immutable duplex channel 'duplex-left' with default config
    And the 'server' process starts echo handler
    And the 'server' process creates immutable duplex channel 'duplex-right' with default config
    And the 'server' process starts handler that implements XOR with key '0xFF'
    When the 'client' process creates duplex channel client 'duplex-left'
    And the 'client' process creates duplex channel client 'duplex-right'
    And the 'client' process sends request with size '100'
    And the 'client' process turns to channel 'duplex-left'
    And the 'client' process sends request with size '200'
    Then response should match request with size '200'
    When the 'client' process turns to channel 'duplex-right'
    Then response should contain XOR transformed data
    And the 'server' process should have found its requests read-only

  @clause:9.6
  Scenario: 13.12 A handler that fails costs its client an error and nothing else
    Given the 'server' process creates immutable duplex channel 'duplex-faulty' with default config
    And the 'server' process starts handler that fails for every other request
    When the 'client' process creates duplex channel client 'duplex-faulty'
    And the 'client' process sends request with size '100'
    And the 'client' process sends request with size '200'
    And the 'client' process sends request with size '300'
    And the 'client' process sends request with size '400'
    And the 'client' process tries to receive a response
    Then the 'client' process should get error 'handler_error' with request '1'
    And response should match request with size '200'
    When the 'client' process tries to receive a response
    Then the 'client' process should get error 'handler_error' with request '3'
    And response should match request with size '400'

  @process @clause:8.1 @clause:9.1
  Scenario: 13.13 A client that comes before its server waits for it, and leaves the processor to others
    When the 'client' process tries to create duplex channel client 'duplex-early'
    Then the 'client' process should get error 'not_found' not before '200' ms
    When the 'client' process starts to create duplex channel client 'duplex-early'
    Then the 'client' process should be blocked
    And the 'client' process should sleep at least once in '0.5' ms of processor time over '0.3' seconds
    Given the 'server' process creates immutable duplex channel 'duplex-early' with default config
    And the 'server' process starts echo handler
    Then the 'client' process should finish what it started
    When the 'client' process sends request with size '100'
    Then response should match request with size '100'

  @clause:9.2 @clause:9.3 @clause:9.5
  Scenario: 13.14 A client that leaves and returns in one process gets no answer to what it asked before
    Given the 'server' process creates immutable duplex channel 'duplex-returns' with default config
    And the 'server' process starts handler with '100' ms processing time
    When the 'client' process creates duplex channel client 'duplex-returns'
    And the 'client' process sends request with size '100'
    And the 'client' process sends request with size '200'
    And the 'client' process closes its channel
    And the 'client' process creates duplex channel client 'duplex-returns'
    And the 'client' process sends request with size '300'
    And the 'client' process sends request with size '400'
    Then response should match request with size '300'
    And response should match request with size '400'
    And no responses should be lost or duplicated

  @clause:9.6
  Scenario: 13.15 A handler that fails on the first request of another implementation costs it the channel, and it is told
    Given the 'server' process creates immutable duplex channel 'duplex-foreign' with default config
    And the 'server' process starts handler that fails for every other request
    When the 'client' process sees another implementation become the client of channel 'duplex-foreign' in a process of its own
    And the 'client' process sees the other implementation send request with size '100'
    Then the 'client' process should see the other implementation left without a response, and told 'no response: the handler failed'
    When the 'client' process sees the process of the other implementation end
    And the 'client' process creates duplex channel client 'duplex-foreign'
    And the 'client' process sends request with size '200'
    Then response should match request with size '200'

  @clause:9.6
  Scenario: 13.16 A failure is told in the room that there always is
    Given the 'server' process creates immutable duplex channel 'duplex-narrow' with default config
    And the 'server' process starts handler that fails for every other request
    When the 'client' process creates duplex channel client 'duplex-narrow' with a response buffer of '64' bytes
    And the 'client' process sends request with size '100'
    And the 'client' process tries to receive a response
    Then the 'client' process should get error 'handler_error'
    When the 'client' process sends request with size '16'
    Then response should match request with size '16'
    When the 'client' process sends request with size '100'
    And the 'client' process tries to receive a response
    Then the 'client' process should get error 'handler_error'

  @process @linux @clause:9.3
  Scenario: 13.17 Clients that come and go leave nothing, neither to their process nor to the server's
    Given the 'server' process creates immutable duplex channel 'duplex-visited' with default config
    And the 'server' process starts echo handler
    When the 'client' process becomes the client of channel 'duplex-visited', asks and leaves '1' times
    And the 'server' process takes stock of its resources
    And the 'client' process becomes the client of channel 'duplex-visited', asks and leaves '9' times
    Then the 'client' process should hold no more resources than before
    And the 'server' process should hold no more resources than before

  @clause:7.5 @clause:9.3
  Scenario: 13.18 A server that waits for a request ends when it is told to
    Given the 'server' process creates immutable duplex channel 'duplex-idle' with default config
    And the 'server' process starts echo handler
    When the 'client' process creates duplex channel client 'duplex-idle'
    And the 'client' process sends request with size '100'
    Then response should match request with size '100'
    When the 'server' process stops its channel
    And the 'client' process closes its channel
    Then no object of channel 'duplex-idle' should exist

  @clause:8.1
  Scenario: 13.19 A client that has asked nothing waits in vain, and no longer than it wants
    Given the 'server' process creates immutable duplex channel 'duplex-silent' with default config
    And the 'server' process starts echo handler
    When the 'client' process creates duplex channel client 'duplex-silent'
    Then no responses should be lost or duplicated
    When the 'client' process sends request with size '100'
    Then response should match request with size '100'

  @clause:7.5 @clause:9.3
  Scenario: 13.20 A server that waits for the response buffer of its client ends when it is told to
    Given the 'server' process creates immutable duplex channel 'duplex-mute' with default config
    And the 'server' process starts echo handler
    When the 'client' process sees another implementation become the client of channel 'duplex-mute' in a process of its own, without a response buffer
    And the 'client' process sees the other implementation send request with size '100'
    And the 'server' process stops its channel within '500' ms
    Then no object of channel 'duplex-mute' should exist

  @clause:9.1 @clause:9.2
  Scenario: 13.21 A client that makes its response buffer after its request is answered all the same
    Given the 'server' process creates immutable duplex channel 'duplex-late' with default config
    And the 'server' process starts echo handler
    When the 'client' process sees another implementation become the client of channel 'duplex-late' in a process of its own, without a response buffer
    And the 'client' process sees the other implementation send request with size '100'
    And the 'client' process sees the other implementation make its response buffer '100' ms later
    Then the 'client' process should see the other implementation have a response of size '100'
    When the 'client' process sees the process of the other implementation end
    And the 'client' process creates duplex channel client 'duplex-late'
    And the 'client' process sends request with size '200'
    Then response should match request with size '200'

  @clause:9.6
  Scenario: 13.22 A handler that fails after it has answered costs another implementation the channel, and it is told nothing
    Given the 'server' process creates immutable duplex channel 'duplex-later' with default config
    And the 'server' process starts handler that fails for every other request
    When the 'client' process creates duplex channel client 'duplex-later'
    And the 'client' process sends request with size '100'
    And the 'client' process tries to receive a response
    Then the 'client' process should get error 'handler_error'
    When the 'client' process closes its channel
    And the 'client' process sees another implementation become the client of channel 'duplex-later' in a process of its own
    And the 'client' process sees the other implementation send request with size '100'
    Then the 'client' process should see the other implementation have a response of size '100'
    When the 'client' process sees the other implementation send request with size '200'
    Then the 'client' process should see the other implementation left after '1' response, and told nothing
    When the 'client' process sees the process of the other implementation end

  @corruption @clause:9.2 @clause:9.3
  Scenario: 13.23 A client that could not be given its response is left, and gets no other in its place
    Given the 'server' process creates immutable duplex channel 'duplex-unread' with default config
    And the 'server' process starts echo handler
    When the 'client' process creates duplex channel client 'duplex-unread'
    And the 'client' process sends request with size '100'
    Then response should match request with size '100'
    When the 'client' process sees its number gone from its response buffer
    And the 'client' process sends request with size '200'
    And the 'client' process tries to receive a response
    Then the 'client' process should get error 'writer_dead'

  @clause:9.2
  Scenario: 13.24 Round trips leave no response behind
    Given the 'server' process creates immutable duplex channel 'duplex-trips' with default config
    And the 'server' process starts echo handler
    When the 'client' process creates duplex channel client 'duplex-trips'
    And the 'client' process measures '20' round trips of size '100'
    And the 'client' process sends request with size '200'
    Then response should match request with size '200'
    And no responses should be lost or duplicated

  @process @clause:9.1 @clause:8.3
  Scenario: 13.25 A client that cannot have its response buffer is refused, and has left the channel
    Given the 'server' process creates immutable duplex channel 'duplex-refused' with default config
    And the 'server' process starts echo handler
    And an obstacle stands in the place of the response buffer of channel 'duplex-refused'
    When the 'client' process tries to create duplex channel client 'duplex-refused'
    Then the 'client' process should get error 'system_error'
    When the obstacle of channel 'duplex-refused' is removed
    And the 'client' process creates duplex channel client 'duplex-refused'
    And the 'client' process sends request with size '100'
    Then response should match request with size '100'

  @clause:9.6
  Scenario: 13.26 A response that does not fit costs its client an error and nothing else
    Given the 'server' process creates immutable duplex channel 'duplex-too-narrow' with default config
    And the 'server' process starts echo handler
    When the 'client' process creates duplex channel client 'duplex-too-narrow' with a response buffer of '64' bytes
    And the 'client' process sends request with size '100'
    And the 'client' process tries to receive a response
    Then the 'client' process should get error 'handler_error' with request '1'
    When the 'client' process sends request with size '16'
    Then response should match request with size '16'
