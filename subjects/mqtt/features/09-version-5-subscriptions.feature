@v5
Feature: Version 5: subscriptions

  Background:
    Given the 'broker' process serves
    And the 'peer' process dials and says CONNECT, and keeps its session
    And the 'peer' process should hear CONNACK '0'

  @must:5.0/MQTT-3.3.4-3 @must:5.0/MQTT-3.3.4-4
  Scenario: 9.1 A message comes with the identifier of its subscription
    Given the 'peer' process says SUBSCRIBE to 'colour/#' with
      | qos | subscription_id |
      | 1   | 268435455       |
    And the 'peer' process should hear SUBACK '1'
    When the 'peer' process says PUBLISH 'blue' to 'colour/sky' with
      | qos | number |
      | 1   | 7      |
    Then the 'peer' process should hear PUBLISH 'blue' of 'colour/sky' with
      | qos | subscription_id |
      | 1   | 268435455       |

  @must:5.0/MQTT-3.3.4-4 @must:5.0/MQTT-3.3.4-5
  Scenario: 9.2 A message comes with the identifiers of all its subscriptions, or once for each
    Given the 'peer' process says SUBSCRIBE to 'colour/#' with
      | qos | subscription_id |
      | 1   | 1               |
    And the 'peer' process should hear SUBACK '1'
    And the 'peer' process says SUBSCRIBE to 'colour/+' with
      | qos | subscription_id |
      | 1   | 2               |
    And the 'peer' process should hear SUBACK '1'
    When the 'peer' process says PUBLISH 'blue' to 'colour/sky' with
      | qos |
      | 0   |
    Then the 'peer' process should hear PUBLISH of 'colour/sky' for the subscriptions '1, 2'

  @must:5.0/MQTT-3.3.4-3
  Scenario: 9.3 A retained message comes with the identifier of its subscription
    Given the 'peer' process says PUBLISH 'blue' to 'colour/sky' with
      | retain |
      | true   |
    When the 'peer' process says SUBSCRIBE to 'colour/#' with
      | qos | subscription_id |
      | 1   | 7               |
    Then the 'peer' process should hear PUBLISH 'blue' of 'colour/sky' with
      | retain | subscription_id |
      | true   | 7               |

  @must:5.0/MQTT-3.8.4-3
  Scenario: 9.4 A subscription that is replaced by one without an identifier has none
    Given the 'peer' process says SUBSCRIBE to 'colour/#' with
      | qos | subscription_id |
      | 1   | 7               |
    And the 'peer' process should hear SUBACK '1'
    And the 'peer' process says SUBSCRIBE to 'colour/#' with
      | qos |
      | 1   |
    And the 'peer' process should hear SUBACK '1'
    When the 'peer' process says PUBLISH 'blue' to 'colour/sky' with
      | qos |
      | 0   |
    Then the 'peer' process should hear PUBLISH 'blue' of 'colour/sky' without 'subscription_id'

  @must:5.0/MQTT-3.3.1-10 @must:5.0/MQTT-3.10.4-1
  Scenario: 9.5 A filter that was unsubscribed is new again
    Given the 'peer' process says PUBLISH 'blue' to 'colour/sky' with
      | retain |
      | true   |
    And the 'peer' process says SUBSCRIBE to 'colour/#' with
      | qos | retain_handling |
      | 1   | 1               |
    And the 'peer' process should hear PUBLISH 'blue' of 'colour/sky' with
      | retain |
      | true   |
    And the 'peer' process says UNSUBSCRIBE from each of 'colour/#'
    And the 'peer' process should hear UNSUBACK with '1' reasons
    When the 'peer' process says SUBSCRIBE to 'colour/#' with
      | qos | retain_handling |
      | 1   | 1               |
    Then the 'peer' process should hear PUBLISH 'blue' of 'colour/sky' with
      | retain |
      | true   |

  @must:5.0/MQTT-3.10.4-4 @must:5.0/MQTT-3.10.4-5 @must:5.0/MQTT-3.10.4-6 @must:5.0/MQTT-3.11.3-1 @must:5.0/MQTT-3.11.3-2
  Scenario: 9.6 UNSUBACK has a reason for each filter, also for one that nobody has subscribed to
    Given the 'peer' process says SUBSCRIBE to 'colour/sky' with QoS '1'
    And the 'peer' process should hear SUBACK '1'
    When the 'peer' process says UNSUBSCRIBE from each of 'colour/sky, colour/none'
    Then the 'peer' process should hear UNSUBACK with '2' reasons

  @must:5.0/MQTT-3.8.4-1 @must:5.0/MQTT-3.8.4-2 @must:5.0/MQTT-3.8.4-5 @must:5.0/MQTT-3.8.4-6 @must:5.0/MQTT-3.8.4-7 @must:5.0/MQTT-3.9.3-1 @must:5.0/MQTT-3.9.3-2
  Scenario: 9.7 SUBACK has a reason for each filter, in their order
    When the 'peer' process says SUBSCRIBE to each of 'colour/sky, colour/sea, colour/earth' with one of QoS '0, 2, 1'
    Then the 'peer' process should hear SUBACK with one of QoS '0, 2, 1'

  @must:5.0/MQTT-4.8.2-3
  Scenario: 9.8 A member of a share gets messages with the QoS that it was granted
    Given the 'peer' process says SUBSCRIBE to '$share/herd/colour/#' with QoS '0'
    And the 'peer' process should hear SUBACK '1'
    When the 'peer' process says PUBLISH 'blue' to 'colour/sky' with
      | qos | number |
      | 1   | 7      |
    Then the 'peer' process should hear PUBLISH 'blue' of 'colour/sky' with
      | qos |
      | 0   |

  # That a new member gets no retained messages is said where the standard explains, not where it demands.
  @arguable
  Scenario: 9.9 A new member of a share gets no retained messages
    Given the 'peer' process says PUBLISH 'blue' to 'colour/sky' with
      | retain |
      | true   |
    When the 'peer' process says SUBSCRIBE to '$share/herd/colour/#' with QoS '1'
    Then the 'peer' process should hear SUBACK '1'
    And the 'peer' process should hear no PUBLISH

  @must:5.0/4.8.2
  Scenario: 9.10 Each share gets a message
    Given the 'peer' process says SUBSCRIBE to '$share/herd/colour/#' with QoS '1'
    And the 'peer' process should hear SUBACK '1'
    And a second 'peer' process dials and says CONNECT with
      | name |
      | hare |
    And the second 'peer' process should hear CONNACK '0'
    And the second 'peer' process says SUBSCRIBE to '$share/pack/colour/#' with QoS '1'
    And the second 'peer' process should hear SUBACK '1'
    When the 'peer' process says PUBLISH 'blue' to 'colour/sky' with
      | qos | number |
      | 1   | 7      |
    Then the 'peer' process should hear PUBLISH 'blue' of 'colour/sky' with
      | qos |
      | 1   |
    And the second 'peer' process should hear PUBLISH 'blue' of 'colour/sky' with
      | qos |
      | 1   |
    And the second 'peer' process should hear no PUBLISH

  @must:5.0/MQTT-4.4.0-2
  Scenario: 9.11 A message that was refused is not sent again
    Given the 'peer' process says SUBSCRIBE to 'colour/#' with QoS '1'
    And the 'peer' process should hear SUBACK '1'
    And the 'peer' process says PUBLISH 'blue' to 'colour/sky' with
      | qos | number |
      | 1   | 7      |
    And the 'peer' process should hear PUBLISH of 'colour/sky' with QoS '1' and DUP '0', and notes its identifier
    When the 'peer' process says PUBACK for the identifier of 'colour/sky', with reason '131'
    And the 'peer' process says PINGREQ
    And the 'peer' process should hear PINGRESP
    And the 'peer' process dials and says CONNECT, and keeps its session
    Then the 'peer' process should hear CONNACK '0', and have found its session
    And the 'peer' process should hear no PUBLISH

  # The second member comes when the message has gone to the first: who of a share gets one is the broker's choice.
  @must:5.0/MQTT-4.8.2-6
  Scenario: 9.12 A message that a member of a share has refused goes to no other
    Given the 'peer' process says SUBSCRIBE to '$share/herd/colour/#' with QoS '1'
    And the 'peer' process should hear SUBACK '1'
    And the 'peer' process says PUBLISH 'blue' to 'colour/sky' with
      | qos | number |
      | 1   | 7      |
    And the 'peer' process should hear PUBLISH of 'colour/sky' with QoS '1' and DUP '0', and notes its identifier
    And a second 'peer' process dials and says CONNECT with
      | name |
      | hare |
    And the second 'peer' process should hear CONNACK '0'
    And the second 'peer' process says SUBSCRIBE to '$share/herd/colour/#' with QoS '1'
    And the second 'peer' process should hear SUBACK '1'
    When the 'peer' process says PUBACK for the identifier of 'colour/sky', with reason '131'
    And the 'peer' process says PINGREQ
    And the 'peer' process should hear PINGRESP
    Then the second 'peer' process should hear no PUBLISH

  @must:5.0/MQTT-4.8.2-5
  Scenario: 9.13 A message of QoS 2 that has begun with a member whose session ends goes to no other
    Given the 'peer' process says SUBSCRIBE to '$share/herd/colour/#' with QoS '2'
    And the 'peer' process should hear SUBACK '1'
    And a second 'peer' process dials and says CONNECT with
      | name |
      | hare |
    And the second 'peer' process should hear CONNACK '0'
    And the second 'peer' process says PUBLISH 'blue' to 'colour/sky' with QoS '2', identifier '7' and DUP '0'
    And the second 'peer' process should hear PUBREC '7'
    And the second 'peer' process says PUBREL '7'
    And the 'peer' process should hear PUBLISH of 'colour/sky' with QoS '2' and DUP '0', and notes its identifier
    And the second 'peer' process says SUBSCRIBE to '$share/herd/colour/#' with QoS '2'
    And the second 'peer' process should hear SUBACK '1'
    When the 'peer' process says DISCONNECT with
      | session_expiry |
      | 0              |
    And the 'peer' process should hear the end of the connection
    And the second 'peer' process says PINGREQ
    Then the second 'peer' process should hear PINGRESP, and no PUBLISH before
    And the second 'peer' process should hear no PUBLISH

  @must:5.0/MQTT-4.8.2-4 @must:5.0/MQTT-4.3.3-3
  Scenario: 9.14 A message of QoS 2 that has begun with a member of a share is completed with it
    Given the 'peer' process says SUBSCRIBE to '$share/herd/colour/#' with QoS '2'
    And the 'peer' process should hear SUBACK '1'
    And a second 'peer' process dials and says CONNECT with
      | name |
      | hare |
    And the second 'peer' process should hear CONNACK '0'
    And the second 'peer' process says PUBLISH 'blue' to 'colour/sky' with QoS '2', identifier '7' and DUP '0'
    And the second 'peer' process should hear PUBREC '7'
    And the second 'peer' process says PUBREL '7'
    And the 'peer' process should hear PUBLISH of 'colour/sky' with QoS '2' and DUP '0', and notes its identifier
    And the second 'peer' process says SUBSCRIBE to '$share/herd/colour/#' with QoS '2'
    And the second 'peer' process should hear SUBACK '1'
    When the 'peer' process dials and says CONNECT, and keeps its session
    Then the 'peer' process should hear CONNACK '0', and have found its session
    And the 'peer' process should hear PUBLISH of 'colour/sky' with QoS '2' and DUP '1', under the identifier noted
    And the second 'peer' process should hear no PUBLISH
