Feature: Wills and keep-alive

  Background:
    Given the 'broker' process serves
    And the 'watcher' process connects
    And the 'watcher' process subscribes to 'will/#' with QoS '2'

  @must:3.1.1/MQTT-3.1.2-8 @must:3.1.1/MQTT-3.1.2-9 @must:3.1.1/MQTT-3.1.2-16 @must:3.1.1/MQTT-3.8.4-6
  Scenario Outline: 4.1 The will of a killed client is published with QoS <qos>
    Given the 'publisher' process connects with
      | will | will_topic | will_qos |
      | gone | will/fox   | <qos>    |
    When the 'publisher' process is killed
    Then the 'watcher' process should receive 'gone' on 'will/fox' with QoS '<qos>' as new
    And the 'watcher' process should receive no more
    Given the 'subscriber' process connects
    And the 'subscriber' process subscribes to 'will/#' with QoS '1'
    Then the 'subscriber' process should receive no more

    Examples:
      | qos |
      | 0   |
      | 1   |
      | 2   |

  @must:3.1.1/MQTT-3.14.4-3 @must:3.1.1/MQTT-3.1.2-10
  Scenario: 4.2 DISCONNECT discards the will
    Given the 'publisher' process connects with
      | will | will_topic | will_qos |
      | gone | will/fox   | 1        |
    When the 'publisher' process disconnects
    Then the 'watcher' process should receive no more

  @slow @must:3.1.1/MQTT-3.1.2-24 @must:3.1.1/MQTT-3.1.2-8
  Scenario: 4.3 A frozen client is dropped after one and a half times its keep-alive
    Given the 'publisher' process connects with
      | will | will_topic | will_qos | keep_alive |
      | gone | will/fox   | 1        | 1          |
    When the 'publisher' process is frozen
    Then the 'watcher' process should receive 'gone' on 'will/fox' with QoS '1'

  @must:3.1.1/MQTT-3.1.2-17 @must:3.1.1/MQTT-3.8.4-6 @must:3.1.1/MQTT-3.3.2-3
  Scenario: 4.4 A retained will is retained
    Given the 'publisher' process connects with
      | will | will_topic | will_qos | will_retain |
      | gone | will/fox   | 1        | true        |
    When the 'publisher' process is killed
    Then the 'watcher' process should receive 'gone' on 'will/fox' with QoS '1' as new
    Given the 'subscriber' process connects
    And the 'subscriber' process subscribes to 'will/#' with QoS '1'
    Then the 'subscriber' process should receive 'gone' on 'will/fox' with QoS '1' as retained

  @slow @must:3.1.1/MQTT-3.1.2-23 @must:3.1.1/MQTT-3.12.4-1
  Scenario: 4.5 A client that has nothing to say keeps its connection by PINGREQ
    Given the 'publisher' process connects with
      | will | will_topic | will_qos | keep_alive |
      | gone | will/fox   | 1        | 2          |
    When wait for '5' seconds
    Then the 'publisher' process should be connected
    And the 'watcher' process should receive no more

  @must:3.1.1/MQTT-3.1.2-8 @must:3.1.1/MQTT-3.1.4-2 @must:3.1.1/MQTT-3.8.4-6
  Scenario: 4.6 Who is taken over has not disconnected, so its will is published
    Given the 'publisher' process connects with
      | will | will_topic | will_qos | name |
      | gone | will/fox   | 1        | fox  |
    When the 'subscriber' process connects with
      | name |
      | fox  |
    Then the 'watcher' process should receive 'gone' on 'will/fox' with QoS '1'
