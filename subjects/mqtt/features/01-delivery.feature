Feature: Delivery

  Background:
    Given the 'broker' process serves

  @must:3.1.1/MQTT-3.8.4-6 @must:3.1.1/MQTT-4.5.0-1
  Scenario Outline: 1.1 A message published with QoS <published> reaches a subscriber with QoS <granted>
    Given the 'subscriber' process connects
    And the 'publisher' process connects
    And the 'subscriber' process subscribes to 'colour/sky' with QoS '<granted>'
    When the 'publisher' process publishes 'blue' to 'colour/sky' with QoS '<published>'
    Then the 'subscriber' process should receive 'blue' on 'colour/sky' with QoS '<seen>'
    And the 'subscriber' process should receive no more

    Examples:
      | published | granted | seen |
      | 0         | 0       | 0    |
      | 1         | 1       | 1    |
      | 2         | 2       | 2    |
      | 2         | 1       | 1    |
      | 1         | 2       | 1    |
      | 0         | 2       | 0    |

  @must:3.1.1/MQTT-4.6.0-5 @must:3.1.1/MQTT-4.6.0-6
  Scenario Outline: 1.2 A hundred messages with QoS <qos> stay in order
    Given the 'subscriber' process connects
    And the 'publisher' process connects
    And the 'subscriber' process subscribes to 'order/1' with QoS '<qos>'
    When the 'publisher' process publishes the numbers to '100' to 'order/1' with QoS '<qos>'
    Then the 'subscriber' process should receive the numbers to '100' on 'order/1' with QoS '<qos>'

    Examples:
      | qos |
      | 1   |
      | 2   |

  @must:3.1.1/MQTT-4.7.3-4 @must:3.1.1/MQTT-4.5.0-1
  Scenario Outline: 1.3 <size> of payload on a topic such as <topic> keep their bytes
    Given the 'subscriber' process connects
    And the 'publisher' process connects
    And the 'subscriber' process subscribes to '<topic>' with QoS '1'
    When the 'publisher' process publishes '<size>' of 'x' to '<topic>' with QoS '1'
    Then the 'subscriber' process should receive '<size>' of 'x' on '<topic>' with QoS '1'

    Examples:
      | size | topic         |
      | 0    | colour/none   |
      | 1    | /             |
      | 118  | a//b          |
      | 119  | Colour/Himmel |
      | 4096 | 色/空/café/🌊 |
      | 1    | two words     |

  @must:3.1.1/MQTT-3.3.5-1
  Scenario: 1.4 Filters that overlap deliver with the highest QoS
    Given the 'subscriber' process connects
    And the 'publisher' process connects
    And the 'subscriber' process subscribes to 'colour/#' with QoS '2' and to 'colour/+' with QoS '0'
    When the 'publisher' process publishes 'blue' to 'colour/sky' with QoS '2'
    Then the 'subscriber' process should receive 'blue' on 'colour/sky' with QoS '2', or twice with QoS '0'
    And the 'subscriber' process should receive no more

  @must:3.1.1/MQTT-3.3.2-3 @must:3.1.1/MQTT-4.5.0-1 @must:3.1.1/MQTT-4.7.1-2 @must:3.1.1/MQTT-4.7.1-3 @must:3.1.1/MQTT-4.7.3-4
  Scenario Outline: 1.5 The filter <filter> matches what it should
    Given the 'subscriber' process connects
    And the 'publisher' process connects
    And the 'subscriber' process subscribes to '<filter>' with QoS '1'
    When the 'publisher' process publishes to each of '<others>' with QoS '1'
    And the 'publisher' process publishes to each of '<matching>' with QoS '1'
    Then the 'subscriber' process should receive on each of '<matching>' with QoS '1'
    And the 'subscriber' process should receive no more

    Examples:
      | filter     | matching                 | others               |
      | sky/+      | sky/blue, sky/           | sky, sky/blue/dark   |
      | sky/#      | sky, sky/blue, sky/a/b/c | skyline, a/sky       |
      | +/+        | /sky, sky/blue           | sky, sky/blue/dark   |
      | +          | sky                      | /sky                 |
      | /+         | /sky                     | sky, a/sky           |
      | sky/+/dark | sky/blue/dark, sky//dark | sky/dark, sky/a/dark/b |
      | colour     | colour                   | Colour, colour/, /colour |

  @must:3.1.1/MQTT-3.10.4-1 @must:3.1.1/MQTT-3.10.4-2
  Scenario: 1.6 Unsubscribing stops one filter only
    Given the 'subscriber' process connects
    And the 'publisher' process connects
    And the 'subscriber' process subscribes to 'colour/sky' with QoS '1' and to 'colour/sea' with QoS '1'
    When the 'subscriber' process unsubscribes from 'colour/sky'
    And the 'publisher' process publishes to each of 'colour/sky, colour/sea' with QoS '1'
    Then the 'subscriber' process should receive on each of 'colour/sea' with QoS '1'
    And the 'subscriber' process should receive no more

  @arguable
  Scenario Outline: 1.7 A payload of <size> keeps its bytes
    Given the 'subscriber' process connects
    And the 'publisher' process connects
    And the 'subscriber' process subscribes to 'colour/sky' with QoS '1'
    When the 'publisher' process publishes '<size>' of 'x' to 'colour/sky' with QoS '1'
    Then the 'subscriber' process should receive '<size>' of 'x' on 'colour/sky' with QoS '1'

    Examples:
      | size  |
      | 17000 |
      | 1 MB  |

  @must:3.1.1/MQTT-4.5.0-1
  Scenario: 1.8 Each subscriber has a copy, and who publishes may have one, too
    Given the 'subscriber' process connects
    And the 'watcher' process connects
    And the 'publisher' process connects
    And the 'subscriber' process subscribes to 'colour/sky' with QoS '1'
    And the 'watcher' process subscribes to 'colour/+' with QoS '0'
    And the 'publisher' process subscribes to '#' with QoS '2'
    When the 'publisher' process publishes 'blue' to 'colour/sky' with QoS '2'
    Then the 'subscriber' process should receive 'blue' on 'colour/sky' with QoS '1'
    And the 'watcher' process should receive 'blue' on 'colour/sky' with QoS '0'
    And the 'publisher' process should receive 'blue' on 'colour/sky' with QoS '2'

  @must:3.1.1/MQTT-3.3.4-1 @must:3.1.1/MQTT-4.3.2-2 @must:3.1.1/MQTT-4.5.0-2 @must:3.1.1/MQTT-4.6.0-2
  Scenario: 1.9 A subscriber acknowledges each message, in the order in which they come
    Given the 'subscriber' process connects
    And the 'publisher' process connects
    And the 'subscriber' process subscribes to 'order/1' with QoS '1'
    When the 'publisher' process publishes the numbers to '20' to 'order/1' with QoS '1'
    And the 'subscriber' process should receive the numbers to '20' on 'order/1' with QoS '1'
    Then the network between the 'broker' and the 'subscriber' should have carried PUBACK of the 'subscriber' for each 'order/1', in their order

  @must:3.1.1/MQTT-3.3.4-1 @must:3.1.1/MQTT-4.3.3-2 @must:3.1.1/MQTT-4.5.0-2 @must:3.1.1/MQTT-4.6.0-3
  Scenario: 1.10 A subscriber completes each message of QoS 2, in the order in which they come
    Given the 'subscriber' process connects
    And the 'publisher' process connects
    And the 'subscriber' process subscribes to 'order/1' with QoS '2'
    When the 'publisher' process publishes the numbers to '20' to 'order/1' with QoS '2'
    And the 'subscriber' process should receive the numbers to '20' on 'order/1' with QoS '2'
    Then the network between the 'broker' and the 'subscriber' should have carried PUBREC of the 'subscriber' for each 'order/1', in their order
    And the network between the 'broker' and the 'subscriber' should have carried PUBCOMP of the 'subscriber' for each 'order/1', in their order

  @must:3.1.1/MQTT-2.3.1-2 @must:3.1.1/MQTT-3.3.1-2 @must:3.1.1/MQTT-4.3.1-1 @must:3.1.1/MQTT-4.3.2-1 @must:3.1.1/MQTT-4.3.3-1
  Scenario Outline: 1.11 A publisher sends each message of QoS <qos> as new, under an identifier that is not in use
    Given the 'publisher' process connects
    When the 'publisher' process publishes the numbers to '20' to 'order/1' with QoS '<qos>'
    Then the network between the 'broker' and the 'publisher' should have carried each 'order/1' as new, under an unused identifier

    Examples:
      | qos |
      | 1   |
      | 2   |
      | 0   |

  @must:3.1.1/MQTT-4.7.2-1 @must:3.1.1/MQTT-4.7.1-2
  Scenario Outline: 1.12 The filter <filter> matches no topic that begins with $
    Given the 'subscriber' process connects
    And the 'subscriber' process subscribes to '<filter>' with QoS '1'
    And the 'publisher' process connects
    When the 'publisher' process publishes '$' to '$harmony/sky' with QoS '0'
    And the network between the 'broker' and the 'publisher' carries a packet 'PUBLISH' from the 'publisher' within '10 s'
    # A server may end the connection of who publishes such a topic, or be deaf to it.
    And the 'publisher' process connects
    And the 'publisher' process publishes to each of '<matching>' with QoS '1'
    Then the 'subscriber' process should receive on each of '<matching>' with QoS '1'
    And the 'subscriber' process should receive no more

    Examples:
      | filter | matching          |
      | #      | sky, /sky, a/sky/ |
      | +/sky  | /sky, a/sky       |

  @must:3.1.1/MQTT-3.2.0-1 @must:3.1.1/MQTT-3.8.4-1 @must:3.1.1/MQTT-3.8.4-2 @must:3.1.1/MQTT-3.8.4-4 @must:3.1.1/MQTT-3.8.4-5 @must:3.1.1/MQTT-3.9.3-1 @must:3.1.1/MQTT-3.9.3-2 @must:3.1.1/MQTT-2.3.1-7
  Scenario: 1.13 SUBACK has a code for each filter, in their order
    Given the 'peer' process dials and says CONNECT, and keeps its session
    And the 'peer' process should hear CONNACK '0'
    When the 'peer' process says SUBSCRIBE to each of 'colour/sky, colour/sea, colour/earth' with one of QoS '0, 2, 1'
    Then the 'peer' process should hear SUBACK with one of QoS '0, 2, 1'

  @must:3.1.1/MQTT-3.10.4-4 @must:3.1.1/MQTT-3.10.4-5 @must:3.1.1/MQTT-3.10.4-6 @must:3.1.1/MQTT-2.3.1-7
  Scenario: 1.14 UNSUBSCRIBE is answered once, also where nothing was subscribed
    Given the 'peer' process dials and says CONNECT, and keeps its session
    And the 'peer' process should hear CONNACK '0'
    When the 'peer' process says UNSUBSCRIBE from each of 'colour/sky, colour/sea'
    Then the 'peer' process should hear UNSUBACK '2'

  @must:3.1.1/MQTT-4.6.0-4 @must:3.1.1/MQTT-2.3.1-6
  Scenario: 1.15 A publisher releases messages of QoS 2 in the order in which they are acknowledged
    Given the 'publisher' process connects
    When the 'publisher' process publishes the numbers to '20' to 'order/1' with QoS '2'
    Then the network between the 'broker' and the 'publisher' should have carried PUBREL of the 'publisher' for each PUBREC, in their order

  @must:3.1.1/MQTT-1.5.3-3
  Scenario: 1.16 U+FEFF is a letter of a topic
    Given the 'peer' process dials and says CONNECT, and keeps its session
    And the 'peer' process should hear CONNACK '0'
    And the 'peer' process says SUBSCRIBE to '#' with QoS '0'
    And the 'peer' process should hear SUBACK '1'
    When the 'peer' process says PUBLISH to U+FEFF before 'sky'
    Then the 'peer' process should hear PUBLISH of U+FEFF before 'sky'
