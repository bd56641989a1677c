Feature: Retained messages

  Background:
    Given the 'broker' process serves

  @must:3.1.1/MQTT-3.3.1-5 @must:3.1.1/MQTT-3.3.1-6 @must:3.1.1/MQTT-3.3.1-8 @must:3.1.1/MQTT-3.3.1-9 @must:3.1.1/MQTT-3.8.4-6 @must:3.1.1/MQTT-3.3.2-3
  Scenario: 2.1 A retained message reaches the present as new, and the later as retained
    Given the 'publisher' process connects
    And the 'watcher' process connects
    And the 'watcher' process subscribes to 'colour/#' with QoS '1'
    When the 'publisher' process publishes and retains 'grey' on 'colour/sky' with QoS '1'
    And the 'publisher' process publishes and retains 'blue' on 'colour/sky' with QoS '1'
    Then the 'watcher' process should receive 'grey' on 'colour/sky' with QoS '1' as new
    And the 'watcher' process should receive 'blue' on 'colour/sky' with QoS '1' as new
    Given the 'subscriber' process connects
    And the 'subscriber' process subscribes to 'colour/+' with QoS '1'
    Then the 'subscriber' process should receive 'blue' on 'colour/sky' with QoS '1' as retained
    And the 'subscriber' process should receive no more

  @must:3.1.1/MQTT-3.3.1-10 @must:3.1.1/MQTT-3.3.1-11 @must:3.1.1/MQTT-3.3.1-8
  Scenario: 2.2 An empty retained message clears what is retained, and is passed on
    Given the 'publisher' process connects
    And the 'publisher' process publishes and retains 'blue' on 'colour/sky' with QoS '1'
    And the 'publisher' process publishes and retains 'green' on 'colour/sea' with QoS '1'
    And the 'watcher' process connects
    And the 'watcher' process subscribes to 'colour/sky' with QoS '1'
    And the 'watcher' process should receive 'blue' on 'colour/sky' with QoS '1' as retained
    When the 'publisher' process publishes and retains '' on 'colour/sky' with QoS '1'
    Then the 'watcher' process should receive '' on 'colour/sky' with QoS '1' as new
    Given the 'subscriber' process connects
    And the 'subscriber' process subscribes to 'colour/#' with QoS '1'
    Then the 'subscriber' process should receive 'green' on 'colour/sea' with QoS '1' as retained
    And the 'subscriber' process should receive no more

  @must:3.1.1/MQTT-3.8.4-3 @must:3.1.1/MQTT-3.3.1-8 @must:3.1.1/MQTT-3.8.4-6
  Scenario: 2.3 Subscribing again sends what is retained again, and replaces the subscription
    Given the 'publisher' process connects
    And the 'publisher' process publishes and retains 'blue' on 'colour/sky' with QoS '1'
    And the 'subscriber' process connects
    And the 'subscriber' process subscribes to 'colour/#' with QoS '1'
    And the 'subscriber' process should receive 'blue' on 'colour/sky' with QoS '1' as retained
    When the 'subscriber' process subscribes to 'colour/#' with QoS '0'
    Then the 'subscriber' process should receive 'blue' on 'colour/sky' with QoS '0' as retained
    When the 'publisher' process publishes 'green' to 'colour/sea' with QoS '1'
    Then the 'subscriber' process should receive 'green' on 'colour/sea' with QoS '0'
    And the 'subscriber' process should receive no more

  @must:3.1.1/MQTT-3.3.1-6 @must:3.1.1/MQTT-4.3.3-1 @must:3.1.1/MQTT-4.3.3-2 @must:3.1.1/MQTT-3.3.1-8 @must:3.1.1/MQTT-3.3.1-9
  Scenario: 2.4 A retained message with QoS 2 completes its handshake
    Given the 'publisher' process connects
    And the 'publisher' process publishes and retains 'blue' on 'colour/sky' with QoS '2'
    And the 'subscriber' process connects and keeps its session
    When the 'subscriber' process subscribes to 'colour/sky' with QoS '2'
    Then the 'subscriber' process should receive 'blue' on 'colour/sky' with QoS '2' as retained
    And the network between the 'broker' and the 'subscriber' carries a packet 'PUBCOMP' from the 'subscriber' within '10 s'
    When the 'subscriber' process disconnects
    And the 'subscriber' process connects and keeps its session
    Then the 'subscriber' process should receive no more

  @must:3.1.1/MQTT-3.3.1-12 @must:3.1.1/MQTT-3.3.1-8
  Scenario: 2.5 A message without RETAIN is not retained, and leaves what is
    Given the 'publisher' process connects
    And the 'publisher' process publishes and retains 'blue' on 'colour/sky' with QoS '1'
    When the 'publisher' process publishes 'grey' to 'colour/sky' with QoS '1'
    And the 'publisher' process publishes 'green' to 'colour/sea' with QoS '1'
    Given the 'subscriber' process connects
    And the 'subscriber' process subscribes to 'colour/#' with QoS '1'
    Then the 'subscriber' process should receive 'blue' on 'colour/sky' with QoS '1' as retained
    And the 'subscriber' process should receive no more

  @must:3.1.1/MQTT-3.1.2-7 @must:3.1.1/MQTT-3.3.1-8
  Scenario: 2.6 A retained message stays when the session of its publisher ends
    Given the 'publisher' process connects
    And the 'publisher' process publishes and retains 'blue' on 'colour/sky' with QoS '1'
    And the 'publisher' process disconnects
    And the 'publisher' process connects
    And the 'subscriber' process connects
    And the 'subscriber' process subscribes to 'colour/sky' with QoS '1'
    Then the 'subscriber' process should receive 'blue' on 'colour/sky' with QoS '1' as retained

  @must:3.1.1/MQTT-3.3.1-7
  Scenario: 2.7 A retained message of QoS 0 takes the place of the one before, even if it is not kept
    Given the 'peer' process dials and says CONNECT, and keeps its session
    And the 'peer' process should hear CONNACK '0'
    And the 'peer' process says PUBLISH 'grey' to 'colour/sky' with
      | qos | number | retain |
      | 1   | 7      | true   |
    And the 'peer' process should hear PUBACK '7'
    When the 'peer' process says PUBLISH 'blue' to 'colour/sky' with
      | qos | retain |
      | 0   | true   |
    And the 'peer' process says SUBSCRIBE to 'colour/sky' with QoS '1'
    Then the 'peer' process should hear PUBLISH 'blue' of 'colour/sky' as retained, or nothing
