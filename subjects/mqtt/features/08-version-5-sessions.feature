@v5
Feature: Version 5: sessions, wills and messages

  Background:
    Given the 'broker' process serves

  @must:5.0/MQTT-3.1.2-5 @must:5.0/MQTT-3.1.2-6 @must:5.0/MQTT-3.1.2-23 @must:5.0/MQTT-3.2.2-3
  Scenario: 8.1 A session that begins anew stays as long as it says
    Given the 'peer' process dials and says CONNECT with
      | clean | session_expiry |
      | true  | 600            |
    And the 'peer' process should hear CONNACK '0', and have found no session
    When the 'peer' process dials and says CONNECT with
      | clean | session_expiry |
      | false | 600            |
    Then the 'peer' process should hear CONNACK '0', and have found its session

  @must:5.0/MQTT-4.1.0-2 @must:5.0/MQTT-3.2.2-3
  Scenario: 8.2 A session of which nothing is said ends with its connection
    Given the 'peer' process dials and says CONNECT with
      | clean |
      | false |
    And the 'peer' process should hear CONNACK '0', and have found no session
    And the 'peer' process says DISCONNECT with
      | reason |
      | 0      |
    And the 'peer' process should hear the end of the connection
    When the 'peer' process dials and says CONNECT with
      | clean |
      | false |
    Then the 'peer' process should hear CONNACK '0', and have found no session

  @must:5.0/MQTT-3.1.2-4 @must:5.0/MQTT-3.1.4-4 @must:5.0/MQTT-3.2.2-2
  Scenario: 8.3 Clean Start forgets the session before
    Given the 'peer' process dials and says CONNECT, and keeps its session
    And the 'peer' process should hear CONNACK '0'
    And the 'peer' process says SUBSCRIBE to 'colour/#' with QoS '1'
    And the 'peer' process should hear SUBACK '1'
    When the 'peer' process dials and says CONNECT with
      | clean | session_expiry |
      | true  | 600            |
    Then the 'peer' process should hear CONNACK '0', and have found no session
    When the 'peer' process says PUBLISH 'blue' to 'colour/sky' with
      | qos |
      | 0   |
    And the 'peer' process says PINGREQ
    Then the 'peer' process should hear PINGRESP, and no PUBLISH before
    And the 'peer' process should hear no PUBLISH

  @must:5.0/MQTT-4.1.0-2 @must:5.0/3.14.2.2.2
  Scenario: 8.4 DISCONNECT may end a session that was to stay
    Given the 'peer' process dials and says CONNECT, and keeps its session
    And the 'peer' process should hear CONNACK '0'
    When the 'peer' process says DISCONNECT with
      | session_expiry |
      | 0              |
    And the 'peer' process should hear the end of the connection
    And the 'peer' process dials and says CONNECT, and keeps its session
    Then the 'peer' process should hear CONNACK '0', and have found no session

  @must:5.0/3.14.2.2.2
  Scenario: 8.5 DISCONNECT does not keep a session that was to end
    Given the 'peer' process dials and says CONNECT with
      | clean |
      | false |
    And the 'peer' process should hear CONNACK '0'
    When the 'peer' process says DISCONNECT with
      | session_expiry |
      | 600            |
    Then the 'peer' process should hear the end of the connection
    When the 'peer' process dials and says CONNECT, and keeps its session
    Then the 'peer' process should hear CONNACK '0', and have found no session

  @must:5.0/MQTT-3.1.4-3
  Scenario: 8.6 The connection of a client whose name another one takes ends
    Given the 'peer' process dials and says CONNECT with
      | name |
      | fox  |
    And the 'peer' process should hear CONNACK '0'
    When a second 'peer' process dials and says CONNECT with
      | name |
      | fox  |
    Then the 'peer' process should hear the end of the connection
    And the second 'peer' process should hear CONNACK '0'

  @should:5.0/3.1.4
  Scenario: 8.7 Who is taken over is told so
    Given the 'peer' process dials and says CONNECT, and keeps its session
    And the 'peer' process should hear CONNACK '0'
    When a second 'peer' process dials and says CONNECT, and keeps its session
    Then the 'peer' process should hear DISCONNECT for one of '0x8e'

  @must:5.0/MQTT-3.1.3-7 @must:5.0/MQTT-3.2.2-16
  Scenario: 8.8 A client without a name is given one that nobody has
    Given the 'peer' process dials and says CONNECT with
      | name   | clean | session_expiry |
      | nobody | true  | 600            |
    And the 'peer' process should hear CONNACK '0' with a name that nobody has
    When the 'peer' process dials and says CONNECT with
      | name   | clean | session_expiry |
      | nobody | true  | 600            |
    Then the 'peer' process should hear CONNACK '0' with a name that nobody has

  @must:5.0/MQTT-3.1.2-8
  Scenario: 8.9 A delayed will is published when its session ends before
    Given the 'watcher' process connects
    And the 'watcher' process subscribes to 'will/#' with QoS '1'
    And the 'publisher' process connects with
      | will | will_topic | will_qos | will_delay |
      | gone | will/fox   | 1        | 300        |
    When the 'publisher' process is killed
    Then the 'watcher' process should receive 'gone' on 'will/fox' with QoS '1'

  @must:5.0/MQTT-3.1.3-10 @must:5.0/MQTT-3.1.2-8 @must:5.0/MQTT-3.3.2-4
  Scenario: 8.10 What stands beside a will is published with it
    Given a second 'peer' process dials and says CONNECT, and keeps its session
    And the second 'peer' process should hear CONNACK '0'
    And the second 'peer' process says SUBSCRIBE to 'will/#' with QoS '1'
    And the second 'peer' process should hear SUBACK '1'
    And the 'peer' process dials and says CONNECT with
      | name | will | will_topic | format | content_type | response_topic | correlation | user          | message_expiry |
      | fox  | gone | will/fox   | 1      | text/plain   | answers/fox    | 7           | b=2, a=1, b=3 | 600            |
    And the 'peer' process should hear CONNACK '0'
    When the 'peer' process dials
    Then the second 'peer' process should hear PUBLISH 'gone' of 'will/fox' with
      | qos | format | content_type | response_topic | correlation | user          | message_expiry |
      | 1   | 1      | text/plain   | answers/fox    | 7           | b=2, a=1, b=3 | 600            |

  @slow @must:5.0/MQTT-3.3.2-5 @must:5.0/MQTT-3.3.2-6
  Scenario: 8.11 A retained message that has expired is gone, and others tell what is left
    Given the 'peer' process dials and says CONNECT, and keeps its session
    And the 'peer' process should hear CONNACK '0'
    When the 'peer' process says PUBLISH 'grey' to 'colour/sky' with
      | retain | message_expiry |
      | true   | 1              |
    And the 'peer' process says PUBLISH 'blue' to 'colour/sea' with
      | retain | message_expiry |
      | true   | 600            |
    And wait for '3' seconds
    And the 'peer' process says SUBSCRIBE to 'colour/#' with QoS '1'
    Then the 'peer' process should hear PUBLISH 'blue' of 'colour/sea' with
      | retain | message_expiry |
      | true   | 598            |
    And the 'peer' process should hear no PUBLISH

  @must:5.0/MQTT-3.3.2-4
  Scenario: 8.12 The format of a payload is passed on
    Given the 'peer' process dials and says CONNECT, and keeps its session
    And the 'peer' process should hear CONNACK '0'
    And the 'peer' process says SUBSCRIBE to 'colour/#' with QoS '1'
    And the 'peer' process should hear SUBACK '1'
    When the 'peer' process says PUBLISH 'blue' to 'colour/sky' with
      | format | content_type |
      | 1      | text/plain   |
    Then the 'peer' process should hear PUBLISH 'blue' of 'colour/sky' with
      | qos | format | content_type |
      | 0   | 1      | text/plain   |

  @must:5.0/MQTT-3.3.2-4 @must:5.0/MQTT-3.3.2-15 @must:5.0/MQTT-3.3.2-16 @must:5.0/MQTT-3.3.2-17 @must:5.0/MQTT-3.3.2-18 @must:5.0/MQTT-3.3.2-20
  Scenario: 8.13 What stands beside a message is retained with it
    Given the 'peer' process dials and says CONNECT, and keeps its session
    And the 'peer' process should hear CONNACK '0'
    When the 'peer' process says PUBLISH 'blue' to 'colour/sky' with
      | retain | format | content_type | response_topic | correlation | user          |
      | true   | 1      | text/plain   | answers/fox    | 7           | b=2, a=1, b=3 |
    And the 'peer' process says SUBSCRIBE to 'colour/#' with QoS '1'
    Then the 'peer' process should hear PUBLISH 'blue' of 'colour/sky' with
      | retain | format | content_type | response_topic | correlation | user          |
      | true   | 1      | text/plain   | answers/fox    | 7           | b=2, a=1, b=3 |

  @must:5.0/MQTT-3.3.2-4 @must:5.0/MQTT-3.3.2-15 @must:5.0/MQTT-3.3.2-16 @must:5.0/MQTT-3.3.2-17 @must:5.0/MQTT-3.3.2-18 @must:5.0/MQTT-3.3.2-20 @must:5.0/MQTT-3.1.3-2
  Scenario: 8.14 What stands beside a message is kept for an absent session
    Given the 'peer' process dials and says CONNECT, and keeps its session
    And the 'peer' process should hear CONNACK '0'
    And the 'peer' process says SUBSCRIBE to 'colour/#' with QoS '1'
    And the 'peer' process should hear SUBACK '1'
    When the 'peer' process dials and says CONNECT with
      | name |
      | hare |
    And the 'peer' process should hear CONNACK '0'
    And the 'peer' process says PUBLISH 'blue' to 'colour/sky' with
      | qos | number | format | content_type | response_topic | correlation | user          |
      | 1   | 7      | 1      | text/plain   | answers/fox    | 7           | b=2, a=1, b=3 |
    And the 'peer' process should hear PUBACK '7'
    And the 'peer' process dials and says CONNECT, and keeps its session
    Then the 'peer' process should hear CONNACK '0', and have found its session
    And the 'peer' process should hear PUBLISH 'blue' of 'colour/sky' with
      | qos | format | content_type | response_topic | correlation | user          |
      | 1   | 1      | text/plain   | answers/fox    | 7           | b=2, a=1, b=3 |

  @must:5.0/MQTT-3.1.3-5 @must:5.0/MQTT-3.1.4-5
  Scenario: 8.15 A client may have a name of 23 letters and digits, in version 5
    When the 'peer' process dials and says CONNECT with
      | name                    |
      | 0123456789abcdefXYZabcd |
    Then the 'peer' process should hear CONNACK '0'
