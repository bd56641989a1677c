Feature: Sessions

  @must:3.1.1/MQTT-3.1.3-2 @must:3.1.1/MQTT-4.1.0-1 @must:3.1.1/MQTT-4.1.0-2 @must:3.1.1/MQTT-3.1.2-4 @must:3.1.1/MQTT-3.1.2-5 @must:3.1.1/MQTT-3.2.2-2 @must:3.1.1/MQTT-3.2.2-3 @must:3.1.1/MQTT-4.6.0-6
  Scenario Outline: 3.1 An absent session gets what it has missed with QoS <qos>, in order
    Given the 'broker' process serves
    And the 'subscriber' process connects and keeps its session
    And the 'subscriber' process should have found no session
    And the 'subscriber' process subscribes to 'order/#' with QoS '<qos>'
    And the 'subscriber' process disconnects
    And the 'publisher' process connects
    When the 'publisher' process publishes the numbers to '10' to 'order/1' with QoS '<qos>'
    And the 'subscriber' process connects and keeps its session
    Then the 'subscriber' process should have found its session
    And the 'subscriber' process should receive the numbers to '10' on 'order/1' with QoS '<qos>'
    And the 'subscriber' process should receive no more

    Examples:
      | qos |
      | 1   |
      | 2   |

  @must:3.1.1/MQTT-3.1.2-6 @must:3.1.1/MQTT-3.1.4-3 @must:3.1.1/MQTT-3.1.4-4 @must:3.1.1/MQTT-3.2.2-1 @must:3.1.1/MQTT-3.2.2-3
  Scenario: 3.2 A clean session forgets the one before, and is forgotten itself
    Given the 'broker' process serves
    And the 'subscriber' process connects and keeps its session
    And the 'subscriber' process subscribes to 'colour/sky' with QoS '1'
    And the 'subscriber' process disconnects
    When the 'subscriber' process connects
    Then the 'subscriber' process should have found no session
    When the 'subscriber' process subscribes to 'colour/sea' with QoS '1'
    And the 'subscriber' process disconnects
    And the 'publisher' process connects
    And the 'publisher' process publishes to each of 'colour/sky, colour/sea' with QoS '1'
    And the 'subscriber' process connects and keeps its session
    Then the 'subscriber' process should have found no session
    When the 'publisher' process publishes to each of 'colour/sky, colour/sea' with QoS '1'
    Then the 'subscriber' process should receive no more

  @must:3.1.1/MQTT-3.3.1-1 @must:3.1.1/MQTT-4.4.0-1 @must:3.1.1/MQTT-2.3.1-4 @must:3.1.1/MQTT-3.1.2-4
  Scenario: 3.3 A subscriber that is killed before it has acknowledged a message gets it again, marked as such
    Given the 'broker' process serves
    And the 'subscriber' process connects and keeps its session
    And the 'subscriber' process subscribes to 'colour/sky' with QoS '1'
    And the 'publisher' process connects
    And the network between the 'broker' and the 'subscriber' holds everything from the 'subscriber'
    When the 'publisher' process publishes 'blue' to 'colour/sky' with QoS '1'
    And the network between the 'broker' and the 'subscriber' carries a packet 'PUBLISH' from the 'broker' within '10 s'
    And the network between the 'broker' and the 'subscriber' is reset
    And the 'subscriber' process is killed
    And the network between the 'broker' and the 'subscriber' is as before
    And the 'subscriber' process connects and keeps its session
    Then the 'subscriber' process should have found its session
    And the 'subscriber' process should receive 'blue' on 'colour/sky' with QoS '1'
    And the network between the 'broker' and the 'subscriber' should have carried 'colour/sky' again, marked and under the same identifier

  # Whether the client answers is left open: it was killed, and so has lost its part of the session.
  @must:3.1.1/MQTT-4.3.3-1 @must:3.1.1/MQTT-4.4.0-1 @must:3.1.1/MQTT-3.1.2-4
  Scenario: 3.4 A subscriber that is killed between PUBREC and PUBREL gets the message once
    Given the 'broker' process serves
    And the 'subscriber' process connects and keeps its session
    And the 'subscriber' process subscribes to 'colour/sky' with QoS '2'
    And the 'publisher' process connects
    And the network between the 'broker' and the 'subscriber' is reset before a packet 'PUBREL' from the 'broker'
    When the 'publisher' process publishes 'blue' to 'colour/sky' with QoS '2'
    And the network between the 'broker' and the 'subscriber' is disturbed within '10 s'
    And the 'subscriber' process is killed
    And the 'subscriber' process connects and keeps its session
    Then the 'subscriber' process should have found its session
    And the network between the 'broker' and the 'subscriber' should have carried 'colour/sky' once, and then its PUBREL

  @must:3.1.1/MQTT-4.3.3-2 @must:3.1.1/MQTT-3.1.2-4
  Scenario: 3.5 A message of QoS 2 that a publisher sends again after PUBREC is delivered once
    Given the 'broker' process serves
    And the 'subscriber' process connects
    And the 'subscriber' process subscribes to 'colour/#' with QoS '2'
    And the 'peer' process dials and says CONNECT, and keeps its session
    And the 'peer' process should hear CONNACK '0'
    When the 'peer' process says PUBLISH 'blue' to 'colour/sky' with QoS '2', identifier '7' and DUP '0'
    And the 'peer' process should hear PUBREC '7'
    And the 'peer' process dials and says CONNECT, and keeps its session
    And the 'peer' process should hear CONNACK '0'
    And the 'peer' process says PUBLISH 'blue' to 'colour/sky' with QoS '2', identifier '7' and DUP '1'
    And the 'peer' process should hear PUBREC '7'
    And the 'peer' process says PUBREL '7'
    And the 'peer' process should hear PUBCOMP '7'
    And the 'peer' process says PUBLISH 'green' to 'colour/sea' with QoS '2', identifier '7' and DUP '0'
    And the 'peer' process should hear PUBREC '7'
    And the 'peer' process says PUBREL '7'
    And the 'peer' process should hear PUBCOMP '7'
    Then the 'subscriber' process should receive 'blue' on 'colour/sky' with QoS '2'
    And the 'subscriber' process should receive 'green' on 'colour/sea' with QoS '2'
    And the 'subscriber' process should receive no more

  @broker:durable @must:own/durable
  Scenario: 3.6 A broker that is killed has its sessions and retained messages when it serves again
    Given the 'broker' process serves durably
    And the 'subscriber' process connects and keeps its session
    And the 'subscriber' process subscribes to 'colour/sky' with QoS '1'
    And the 'subscriber' process disconnects
    And the 'publisher' process connects
    When the 'publisher' process publishes 'blue' to 'colour/sky' with QoS '1'
    And the 'publisher' process publishes and retains 'green' on 'colour/sea' with QoS '1'
    And the 'publisher' process publishes 'on the way' to 'else' with QoS '1'
    And the 'broker' process is killed
    And the 'broker' process serves durably
    And the 'subscriber' process connects and keeps its session
    Then the 'subscriber' process should have found its session
    And the 'subscriber' process should receive 'blue' on 'colour/sky' with QoS '1'
    When the 'subscriber' process subscribes to 'colour/sea' with QoS '1'
    Then the 'subscriber' process should receive 'green' on 'colour/sea' with QoS '1' as retained

  @must:3.1.1/MQTT-3.1.4-2
  Scenario: 3.7 A client with the same name takes over
    Given the 'broker' process serves
    And the 'subscriber' process connects with
      | name |
      | fox  |
    And the 'subscriber' process subscribes to 'colour/sky' with QoS '1'
    When the 'watcher' process connects with
      | name |
      | fox  |
    Then the 'subscriber' process should lose its connection
    And the 'watcher' process should be connected

  @broker:durable @must:own/durable
  Scenario: 3.8 A broker that ends in order has its sessions and retained messages when it serves again
    Given the 'broker' process serves durably
    And the 'subscriber' process connects and keeps its session
    And the 'subscriber' process subscribes to 'colour/sky' with QoS '1'
    And the 'subscriber' process disconnects
    And the 'publisher' process connects
    When the 'publisher' process publishes 'blue' to 'colour/sky' with QoS '1'
    And the 'publisher' process publishes and retains 'green' on 'colour/sea' with QoS '1'
    And the 'broker' process stops
    And the 'broker' process is shut down
    And the 'broker' process serves durably
    And the 'subscriber' process connects and keeps its session
    Then the 'subscriber' process should have found its session
    And the 'subscriber' process should receive 'blue' on 'colour/sky' with QoS '1'
    When the 'subscriber' process subscribes to 'colour/sea' with QoS '1'
    Then the 'subscriber' process should receive 'green' on 'colour/sea' with QoS '1' as retained

  @must:3.1.1/MQTT-4.4.0-1 @must:3.1.1/MQTT-3.3.1-1 @must:3.1.1/MQTT-4.6.0-1 @must:3.1.1/MQTT-4.6.0-6
  Scenario: 3.9 What a raw subscriber has not acknowledged comes again, marked, under the same identifiers, in order
    Given the 'broker' process serves
    And the 'peer' process dials and says CONNECT, and keeps its session
    And the 'peer' process should hear CONNACK '0'
    And the 'peer' process says SUBSCRIBE to 'colour/#' with QoS '1'
    And the 'peer' process should hear SUBACK '1'
    And the 'publisher' process connects
    When the 'publisher' process publishes the numbers to '7' to 'colour/sky' with QoS '1'
    And the 'peer' process should hear PUBLISH of the numbers to '7' on 'colour/sky' with QoS '1' and DUP '0', and notes their identifiers
    And the 'peer' process dials and says CONNECT, and keeps its session
    Then the 'peer' process should hear CONNACK '0'
    And the 'peer' process should hear PUBLISH of the numbers to '7' on 'colour/sky' with QoS '1' and DUP '1', under the identifiers noted

  @must:3.1.1/MQTT-4.4.0-1 @must:3.1.1/MQTT-4.3.3-1
  Scenario: 3.10 What a raw subscriber has answered with PUBREC is released, and not published again
    Given the 'broker' process serves
    And the 'peer' process dials and says CONNECT, and keeps its session
    And the 'peer' process should hear CONNACK '0'
    And the 'peer' process says SUBSCRIBE to 'colour/#' with QoS '2'
    And the 'peer' process should hear SUBACK '1'
    And the 'publisher' process connects
    When the 'publisher' process publishes 'blue' to 'colour/sky' with QoS '2'
    And the 'peer' process should hear PUBLISH of 'colour/sky' with QoS '2' and DUP '0', and notes its identifier
    And the 'peer' process says PUBREC for the identifier of 'colour/sky'
    And the 'peer' process should hear PUBREL for the identifier of 'colour/sky'
    And the 'peer' process dials and says CONNECT, and keeps its session
    Then the 'peer' process should hear CONNACK '0'
    And the 'peer' process should hear PUBREL for the identifier of 'colour/sky', and no PUBLISH before

  @must:3.1.1/MQTT-3.3.1-3 @must:3.1.1/MQTT-4.5.0-1 @must:3.1.1/MQTT-4.3.2-2
  Scenario: 3.11 A subscriber does not see that the publisher has sent a message again
    Given the 'broker' process serves
    And the 'subscriber' process connects
    And the 'subscriber' process subscribes to 'colour/sky' with QoS '1'
    And the 'peer' process dials and says CONNECT, and keeps its session
    And the 'peer' process should hear CONNACK '0'
    When the 'peer' process says PUBLISH 'blue' to 'colour/sky' with QoS '1', identifier '7' and DUP '1'
    Then the 'subscriber' process should receive 'blue' on 'colour/sky' with QoS '1'
    And the network between the 'broker' and the 'subscriber' should have carried each 'colour/sky' as new, under an unused identifier

  @must:3.1.1/MQTT-4.3.3-2
  Scenario: 3.12 A subscriber that gets a message of QoS 2 again before its PUBREL hands it out once
    Given the 'peer' process serves
    And the 'subscriber' process connects
    And the 'subscriber' process subscribes to 'colour/sky' with QoS '2'
    When the 'peer' process says PUBLISH 'blue' to 'colour/sky' with QoS '2', identifier '7' and DUP '0'
    And the 'peer' process should hear PUBREC '7'
    And the 'peer' process says PUBLISH 'blue' to 'colour/sky' with QoS '2', identifier '7' and DUP '1'
    And the 'peer' process should hear PUBREC '7'
    And the 'peer' process says PUBREL '7'
    And the 'peer' process should hear PUBCOMP '7'
    Then the 'subscriber' process should receive 'blue' on 'colour/sky' with QoS '2'
    And the 'subscriber' process should receive no more

  @must:3.1.1/MQTT-3.10.4-3 @must:3.1.1/MQTT-4.4.0-1 @must:3.1.1/MQTT-3.3.1-1 @must:3.1.1/MQTT-3.8.4-1
  Scenario: 3.13 What has begun to be delivered is completed after UNSUBSCRIBE
    Given the 'broker' process serves
    And the 'peer' process dials and says CONNECT, and keeps its session
    And the 'peer' process should hear CONNACK '0'
    And the 'peer' process says SUBSCRIBE to 'colour/#' with QoS '1'
    And the 'peer' process should hear SUBACK '1'
    And a second 'peer' process dials and says CONNECT with
      | name |
      | hare |
    And the second 'peer' process should hear CONNACK '0'
    When the second 'peer' process says PUBLISH 'blue' to 'colour/sky' with QoS '1', identifier '7' and DUP '0'
    And the 'peer' process should hear PUBLISH of 'colour/sky' with QoS '1' and DUP '0', and notes its identifier
    And the 'peer' process says UNSUBSCRIBE from each of 'colour/#'
    And the 'peer' process should hear UNSUBACK '2'
    And the 'peer' process dials and says CONNECT, and keeps its session
    Then the 'peer' process should hear CONNACK '0'
    And the 'peer' process should hear PUBLISH of 'colour/sky' with QoS '1' and DUP '1', under the identifier noted

  @must:3.1.1/MQTT-3.1.3-5
  Scenario: 3.14 A client may have a name of 23 letters and digits
    Given the 'broker' process serves
    When the 'peer' process dials and says CONNECT with
      | name                    |
      | 0123456789abcdefXYZabcd |
    Then the 'peer' process should hear CONNACK '0'
