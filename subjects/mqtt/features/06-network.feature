Feature: The network

  Background:
    Given the 'broker' process serves

  @must:3.1.1/MQTT-3.1.2-8
  Scenario Outline: 6.1 The will of a client whose connection <how> is published
    Given the 'watcher' process connects
    And the 'watcher' process subscribes to 'will/#' with QoS '1'
    And the 'publisher' process connects with
      | will | will_topic | will_qos |
      | gone | will/fox   | 1        |
    When the network between the 'broker' and the 'publisher' <how>
    Then the 'watcher' process should receive 'gone' on 'will/fox' with QoS '1'
    And the 'publisher' process should lose its connection

    Examples:
      | how      |
      | is cut   |
      | is reset |

  @must:3.1.1/MQTT-4.6.0-6 @must:3.1.1/MQTT-4.5.0-1
  Scenario: 6.2 What the network has held back arrives, in order, when it lets go
    Given the 'subscriber' process connects
    And the 'publisher' process connects
    And the 'subscriber' process subscribes to 'order/1' with QoS '1'
    And the network between the 'broker' and the 'subscriber' holds everything
    When the 'publisher' process publishes the numbers to '10' to 'order/1' with QoS '1'
    Then the 'subscriber' process should receive no more
    When the network between the 'broker' and the 'subscriber' releases everything
    Then the 'subscriber' process should receive the numbers to '10' on 'order/1' with QoS '1'

  @slow @must:3.1.1/MQTT-3.1.2-24 @must:3.1.1/MQTT-3.1.2-8
  Scenario: 6.3 A client that has gone without a word is dropped after one and a half times its keep-alive
    Given the 'watcher' process connects
    And the 'watcher' process subscribes to 'will/#' with QoS '1'
    And the 'publisher' process connects with
      | will | will_topic | will_qos | keep_alive |
      | gone | will/fox   | 1        | 1          |
    When the network between the 'broker' and the 'publisher' is half open: the 'publisher' is gone
    Then the 'watcher' process should receive 'gone' on 'will/fox' with QoS '1'

  @slow @must:3.1.1/MQTT-3.1.2-24 @must:3.1.1/MQTT-3.1.2-8
  Scenario: 6.4 A client of which nothing arrives any more is dropped, though it hears all
    Given the 'watcher' process connects
    And the 'watcher' process subscribes to 'will/#' with QoS '1'
    And the 'publisher' process connects with
      | will | will_topic | will_qos | keep_alive |
      | gone | will/fox   | 1        | 1          |
    When the network between the 'broker' and the 'publisher' drops everything from the 'publisher'
    Then the 'watcher' process should receive 'gone' on 'will/fox' with QoS '1'

  @must:3.1.1/MQTT-4.5.0-1
  Scenario: 6.5 A slow network loses nothing
    Given the 'subscriber' process connects
    And the 'publisher' process connects
    And the 'subscriber' process subscribes to 'colour/sky' with QoS '2'
    And the network between the 'broker' and the 'subscriber' passes '20000' bytes per second
    And the network between the 'broker' and the 'publisher' passes '20000' bytes per second
    When the 'publisher' process publishes '4000' of 'x' to 'colour/sky' with QoS '2'
    Then the 'subscriber' process should receive '4000' of 'x' on 'colour/sky' with QoS '2'

  @must:3.1.1/MQTT-4.4.0-1 @must:3.1.1/MQTT-3.3.1-1
  Scenario: 6.6 A subscriber whose connection is cut before it has acknowledged a message gets it again
    Given the 'subscriber' process connects and keeps its session
    And the 'publisher' process connects
    And the 'subscriber' process subscribes to 'colour/sky' with QoS '1'
    And the network between the 'broker' and the 'subscriber' is cut before a packet 'PUBACK' from the 'subscriber'
    When the 'publisher' process publishes 'blue' to 'colour/sky' with QoS '1'
    And the network between the 'broker' and the 'subscriber' is disturbed within '10 s'
    And the 'subscriber' process connects and keeps its session
    Then the 'subscriber' process should have found its session
    And the network between the 'broker' and the 'subscriber' should have carried 'colour/sky' again, marked and under the same identifier
