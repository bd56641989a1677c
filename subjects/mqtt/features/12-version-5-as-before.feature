@v5
Feature: Version 5: as before

  Rule: Brokers

    Background:
      Given the 'broker' process serves
      And the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'

    @must:5.0/MQTT-3.8.4-8 @must:5.0/MQTT-4.3.2-4 @must:5.0/MQTT-2.2.1-5 @must:5.0/MQTT-2.2.1-6 @must:5.0/MQTT-3.3.4-1
    Scenario Outline: 12.1 A message published with QoS 1 reaches a subscriber with QoS <granted>
      Given the 'peer' process says SUBSCRIBE to 'colour/#' with QoS '<granted>'
      And the 'peer' process should hear SUBACK '1'
      And a second 'peer' process dials and says CONNECT with
        | name |
        | hare |
      And the second 'peer' process should hear CONNACK '0'
      When the second 'peer' process says PUBLISH 'blue' to 'colour/sky' with
        | qos | number |
        | 1   | 7      |
      Then the second 'peer' process should hear PUBACK '7'
      And the 'peer' process should hear PUBLISH 'blue' of 'colour/sky' with
        | qos    | dup   |
        | <seen> | false |

      Examples:
        | granted | seen |
        | 0       | 0    |
        | 2       | 1    |

    @must:5.0/MQTT-4.3.3-8 @must:5.0/MQTT-4.3.3-10 @must:5.0/MQTT-4.3.3-11 @must:5.0/MQTT-4.3.3-12
    Scenario: 12.2 A message of QoS 2 that comes again before its PUBREL is delivered once
      Given the 'peer' process says SUBSCRIBE to 'colour/#' with QoS '0'
      And the 'peer' process should hear SUBACK '1'
      And a second 'peer' process dials and says CONNECT with
        | name |
        | hare |
      And the second 'peer' process should hear CONNACK '0'
      When the second 'peer' process says PUBLISH 'blue' to 'colour/sky' with QoS '2', identifier '7' and DUP '0'
      And the second 'peer' process should hear PUBREC '7'
      And the second 'peer' process says PUBLISH 'blue' to 'colour/sky' with QoS '2', identifier '7' and DUP '1'
      And the second 'peer' process should hear PUBREC '7'
      And the second 'peer' process says PUBREL '7'
      And the second 'peer' process should hear PUBCOMP '7'
      And the second 'peer' process says PUBLISH 'green' to 'colour/sea' with QoS '2', identifier '7' and DUP '0'
      And the second 'peer' process should hear PUBREC '7'
      And the second 'peer' process says PUBREL '7'
      And the second 'peer' process should hear PUBCOMP '7'
      Then the 'peer' process should hear PUBLISH 'blue' of 'colour/sky' with
        | qos |
        | 0   |
      And the 'peer' process should hear PUBLISH 'green' of 'colour/sea' with
        | qos |
        | 0   |
      And the 'peer' process should hear no PUBLISH

    @must:5.0/MQTT-3.3.1-5 @must:5.0/MQTT-3.3.1-6 @must:5.0/MQTT-3.3.1-7 @must:5.0/MQTT-3.3.1-8
    Scenario: 12.3 What is retained is replaced, stays and is emptied
      Given the 'peer' process says PUBLISH 'grey' to 'colour/sky' with
        | qos | number | retain |
        | 1   | 1      | true   |
      And the 'peer' process says PUBLISH 'blue' to 'colour/sky' with
        | qos | number | retain |
        | 1   | 2      | true   |
      And the 'peer' process says PUBLISH 'red' to 'colour/sky' with
        | qos | number |
        | 1   | 3      |
      And the 'peer' process says PUBLISH 'green' to 'colour/sea' with
        | qos | number | retain |
        | 1   | 4      | true   |
      And the 'peer' process says PUBLISH '' to 'colour/sea' with
        | qos | number | retain |
        | 1   | 5      | true   |
      When the 'peer' process says SUBSCRIBE to 'colour/#' with QoS '1'
      Then the 'peer' process should hear PUBLISH 'blue' of 'colour/sky' with
        | qos | retain |
        | 1   | true   |
      And the 'peer' process should hear no PUBLISH

    @must:5.0/MQTT-4.4.0-1 @must:5.0/MQTT-3.3.1-1 @must:5.0/MQTT-4.6.0-5 @must:5.0/MQTT-4.6.0-6 @must:5.0/MQTT-2.2.1-4 @must:5.0/MQTT-4.3.2-2 @must:5.0/MQTT-4.3.2-3
    Scenario: 12.4 What is unacknowledged comes again, marked, under the same identifiers, in order
      Given the 'peer' process says SUBSCRIBE to 'colour/#' with QoS '1'
      And the 'peer' process should hear SUBACK '1'
      And a second 'peer' process dials and says CONNECT with
        | name |
        | hare |
      And the second 'peer' process should hear CONNACK '0'
      When the second 'peer' process says PUBLISH '1' to 'colour/sky' with QoS '1', identifier '1' and DUP '0'
      And the second 'peer' process should hear PUBACK '1'
      And the second 'peer' process says PUBLISH '2' to 'colour/sky' with QoS '1', identifier '2' and DUP '0'
      And the second 'peer' process should hear PUBACK '2'
      And the second 'peer' process says PUBLISH '3' to 'colour/sky' with QoS '1', identifier '3' and DUP '0'
      And the second 'peer' process should hear PUBACK '3'
      And the second 'peer' process says PUBLISH '4' to 'colour/sky' with QoS '1', identifier '4' and DUP '0'
      And the second 'peer' process should hear PUBACK '4'
      And the second 'peer' process says PUBLISH '5' to 'colour/sky' with QoS '1', identifier '5' and DUP '0'
      And the second 'peer' process should hear PUBACK '5'
      And the 'peer' process should hear PUBLISH of the numbers to '5' on 'colour/sky' with QoS '1' and DUP '0', and notes their identifiers
      And the 'peer' process dials and says CONNECT, and keeps its session
      Then the 'peer' process should hear CONNACK '0', and have found its session
      And the 'peer' process should hear PUBLISH of the numbers to '5' on 'colour/sky' with QoS '1' and DUP '1', under the identifiers noted

    @must:5.0/MQTT-4.4.0-1 @must:5.0/MQTT-4.3.3-4 @must:5.0/MQTT-4.3.3-5 @must:5.0/MQTT-4.3.3-6
    Scenario: 12.5 What has PUBREC is released again, and not published again
      Given the 'peer' process says SUBSCRIBE to 'colour/#' with QoS '2'
      And the 'peer' process should hear SUBACK '1'
      And a second 'peer' process dials and says CONNECT with
        | name |
        | hare |
      And the second 'peer' process should hear CONNACK '0'
      When the second 'peer' process says PUBLISH 'blue' to 'colour/sky' with QoS '2', identifier '7' and DUP '0'
      And the second 'peer' process should hear PUBREC '7'
      And the second 'peer' process says PUBREL '7'
      And the 'peer' process should hear PUBLISH of 'colour/sky' with QoS '2' and DUP '0', and notes its identifier
      And the 'peer' process says PUBREC for the identifier of 'colour/sky'
      And the 'peer' process should hear PUBREL for the identifier of 'colour/sky'
      And the 'peer' process dials and says CONNECT, and keeps its session
      Then the 'peer' process should hear CONNACK '0', and have found its session
      And the 'peer' process should hear PUBREL for the identifier of 'colour/sky', and no PUBLISH before

    @must:5.0/MQTT-3.10.4-2 @must:5.0/MQTT-3.10.4-3
    Scenario: 12.6 What has begun to be delivered is completed after UNSUBSCRIBE, and nothing is added
      Given the 'peer' process says SUBSCRIBE to 'colour/#' with QoS '1'
      And the 'peer' process should hear SUBACK '1'
      And a second 'peer' process dials and says CONNECT with
        | name |
        | hare |
      And the second 'peer' process should hear CONNACK '0'
      When the second 'peer' process says PUBLISH 'blue' to 'colour/sky' with
        | qos | number |
        | 1   | 7      |
      And the second 'peer' process should hear PUBACK '7'
      And the 'peer' process should hear PUBLISH of 'colour/sky' with QoS '1' and DUP '0', and notes its identifier
      And the 'peer' process says UNSUBSCRIBE from each of 'colour/#'
      And the 'peer' process should hear UNSUBACK '2'
      And the second 'peer' process says PUBLISH 'green' to 'colour/sea' with
        | qos | number |
        | 1   | 8      |
      And the second 'peer' process should hear PUBACK '8'
      And the 'peer' process dials and says CONNECT, and keeps its session
      Then the 'peer' process should hear CONNACK '0', and have found its session
      And the 'peer' process should hear PUBLISH of 'colour/sky' with QoS '1' and DUP '1', under the identifier noted
      And the 'peer' process should hear no PUBLISH

    @must:5.0/MQTT-3.3.4-2
    Scenario: 12.7 Filters that overlap deliver with the highest QoS, in version 5
      Given the 'peer' process says SUBSCRIBE to 'colour/#' with QoS '1'
      And the 'peer' process should hear SUBACK '1'
      And the 'peer' process says SUBSCRIBE to 'colour/+' with QoS '0'
      And the 'peer' process should hear SUBACK '1'
      When the 'peer' process says PUBLISH 'blue' to 'colour/sky' with
        | qos | number |
        | 1   | 7      |
      Then the 'peer' process should hear PUBLISH of 'colour/sky' once or twice, once with QoS '1'

    @must:5.0/MQTT-4.7.2-1
    Scenario Outline: 12.8 The filter <filter> matches no topic that begins with $, in version 5
      Given the 'peer' process says SUBSCRIBE to '<filter>' with QoS '0'
      And the 'peer' process should hear SUBACK '1'
      And a second 'peer' process dials and says CONNECT with
        | name |
        | hare |
      And the second 'peer' process should hear CONNACK '0'
      # A server may end the connection of who publishes such a topic, or be deaf to it.
      When the second 'peer' process says PUBLISH '$' to '$harmony/sky' with
        | qos |
        | 0   |
      And the second 'peer' process dials and says CONNECT with
        | name |
        | hare |
      And the second 'peer' process should hear CONNACK '0'
      And the second 'peer' process says PUBLISH 'blue' to '/sky' with
        | qos |
        | 0   |
      Then the 'peer' process should hear PUBLISH 'blue' of '/sky' with
        | qos |
        | 0   |

      Examples:
        | filter |
        | #      |
        | +/sky  |

    @must:5.0/MQTT-3.3.1-3
    Scenario: 12.9 A subscriber does not see that the publisher has sent a message again, in version 5
      Given the 'peer' process says SUBSCRIBE to 'colour/#' with QoS '1'
      And the 'peer' process should hear SUBACK '1'
      And a second 'peer' process dials and says CONNECT with
        | name |
        | hare |
      And the second 'peer' process should hear CONNACK '0'
      When the second 'peer' process says PUBLISH 'blue' to 'colour/sky' with QoS '1', identifier '7' and DUP '1'
      Then the 'peer' process should hear PUBLISH of 'colour/sky' with QoS '1' and DUP '0', and notes its identifier

    @must:5.0/MQTT-3.14.4-3 @must:5.0/MQTT-3.1.2-10
    Scenario: 12.10 DISCONNECT discards the will, in version 5
      Given the 'peer' process says SUBSCRIBE to 'will/#' with QoS '1'
      And the 'peer' process should hear SUBACK '1'
      And a second 'peer' process dials and says CONNECT with
        | name | will | will_topic |
        | hare | gone | will/hare  |
      And the second 'peer' process should hear CONNACK '0'
      When the second 'peer' process says DISCONNECT with
        | reason |
        | 0      |
      And the second 'peer' process should hear the end of the connection
      Then the 'peer' process should hear no PUBLISH

    @must:5.0/MQTT-3.1.2-7 @must:5.0/MQTT-3.1.2-14 @must:5.0/MQTT-3.1.2-15
    Scenario Outline: 12.11 A will is retained as it says: <retain>
      Given a second 'peer' process dials and says CONNECT with
        | name | will | will_topic | will_retain |
        | hare | gone | will/hare  | <retain>    |
      And the second 'peer' process should hear CONNACK '0'
      And the 'peer' process says SUBSCRIBE to 'will/#' with QoS '1'
      And the 'peer' process should hear SUBACK '1'
      When the second 'peer' process dials
      Then the 'peer' process should hear PUBLISH 'gone' of 'will/hare' with
        | retain |
        | false  |
      When the 'peer' process says PUBACK for the identifier of 'will/hare'
      And the 'peer' process says SUBSCRIBE to 'will/+' with QoS '1'
      Then the 'peer' process should hear <what> 'will/hare' as retained

      Examples:
        | retain | what    |
        | false  | nothing |
        | true   | 'gone'  |

    @slow @must:5.0/MQTT-3.1.2-22 @must:5.0/MQTT-3.2.2-22
    Scenario: 12.12 A silent client is dropped after one and a half times its keep-alive
      When the 'peer' process dials and says CONNECT with
        | keep_alive |
        | 1          |
      And the 'peer' process should hear CONNACK '0'
      Then the 'peer' process should hear the end of the connection

    @must:5.0/2.2.1
    Scenario: 12.15 A client may use an identifier that the broker uses
      Given the 'peer' process says SUBSCRIBE to 'colour/#' with QoS '1'
      And the 'peer' process should hear SUBACK '1'
      And the 'peer' process says PUBLISH 'blue' to 'colour/sky' with
        | qos | number |
        | 1   | 7      |
      And the 'peer' process should hear PUBLISH of 'colour/sky' with QoS '1' and DUP '0', and notes its identifier
      When the 'peer' process says SUBSCRIBE to 'else' with QoS '1', under the identifier of 'colour/sky'
      Then the 'peer' process should hear SUBACK with one of QoS '1'

    @must:5.0/MQTT-4.3.2-5
    Scenario: 12.16 After PUBACK the same identifier is a new message, whatever DUP says
      Given the 'peer' process says SUBSCRIBE to 'colour/#' with QoS '0'
      And the 'peer' process should hear SUBACK '1'
      And a second 'peer' process dials and says CONNECT with
        | name |
        | hare |
      And the second 'peer' process should hear CONNACK '0'
      When the second 'peer' process says PUBLISH 'blue' to 'colour/sky' with QoS '1', identifier '7' and DUP '0'
      And the second 'peer' process should hear PUBACK '7'
      And the second 'peer' process says PUBLISH 'green' to 'colour/sky' with QoS '1', identifier '7' and DUP '1'
      Then the second 'peer' process should hear PUBACK '7'
      And the 'peer' process should hear PUBLISH 'blue' of 'colour/sky' with
        | qos |
        | 0   |
      And the 'peer' process should hear PUBLISH 'green' of 'colour/sky' with
        | qos |
        | 0   |

    @must:5.0/MQTT-3.3.2-3 @must:5.0/MQTT-4.7.3-4
    Scenario Outline: 12.17 The filter <filter> matches <topic> and not <other>, in version 5
      Given the 'peer' process says SUBSCRIBE to '<filter>' with QoS '0'
      And the 'peer' process should hear SUBACK '1'
      And a second 'peer' process dials and says CONNECT with
        | name |
        | hare |
      And the second 'peer' process should hear CONNACK '0'
      When the second 'peer' process says PUBLISH 'grey' to '<other>' with
        | qos |
        | 0   |
      And the second 'peer' process says PUBLISH 'blue' to '<topic>' with
        | qos |
        | 0   |
      Then the 'peer' process should hear PUBLISH 'blue' of '<topic>' with
        | qos |
        | 0   |
      And the 'peer' process should hear no PUBLISH

      Examples:
        | filter | topic | other   |
        | sky/+  | sky/  | sky     |
        | sky/#  | sky   | skyline |
        | a//b   | a//b  | a/b     |
        | Sky    | Sky   | sky     |

    @must:5.0/MQTT-1.5.4-3
    Scenario: 12.18 U+FEFF is a letter of a topic, in version 5
      Given the 'peer' process says SUBSCRIBE to '#' with QoS '0'
      And the 'peer' process should hear SUBACK '1'
      When the 'peer' process says PUBLISH to U+FEFF before 'sky'
      Then the 'peer' process should hear PUBLISH of U+FEFF before 'sky'

  Rule: Publishers

    Background:
      Given the 'peer' process serves
      And the 'publisher' process connects

    @must:5.0/MQTT-3.3.1-2 @must:5.0/MQTT-4.3.1-1 @must:5.0/MQTT-4.3.2-1 @must:5.0/MQTT-4.3.3-1 @must:5.0/MQTT-4.3.3-2
    Scenario Outline: 12.19 A publisher sends each message of QoS <qos> as new, under an identifier that is not in use, in version 5
      When the 'publisher' process publishes the numbers to '20' to 'order/1' with QoS '<qos>'
      Then the network between the 'peer' and the 'publisher' should have carried each 'order/1' as new, under an unused identifier

      Examples:
        | qos |
        | 1   |
        | 2   |
        | 0   |

    @must:5.0/MQTT-4.6.0-4
    Scenario: 12.20 A publisher releases messages of QoS 2 in the order in which they are acknowledged, in version 5
      When the 'publisher' process publishes the numbers to '20' to 'order/1' with QoS '2'
      Then the network between the 'peer' and the 'publisher' should have carried PUBREL of the 'publisher' for each PUBREC, in their order

  Rule: Clients

    Background:
      Given the 'peer' process serves
      And the 'subscriber' process connects

    @must:5.0/MQTT-4.5.0-2 @must:5.0/MQTT-4.6.0-2
    Scenario: 12.13 A subscriber acknowledges each message, in the order in which they come, in version 5
      Given the 'subscriber' process subscribes to 'colour/#' with QoS '1'
      When the 'peer' process says PUBLISH '1' to 'colour/sky' with QoS '1', identifier '7' and DUP '0'
      And the 'peer' process says PUBLISH '2' to 'colour/sky' with QoS '1', identifier '9' and DUP '0'
      And the 'peer' process says PUBLISH '3' to 'colour/sky' with QoS '1', identifier '8' and DUP '0'
      Then the 'peer' process should hear PUBACK '7'
      And the 'peer' process should hear PUBACK '9'
      And the 'peer' process should hear PUBACK '8'

    @must:5.0/MQTT-4.3.3-10 @must:5.0/MQTT-4.3.3-11 @must:5.0/MQTT-4.6.0-3
    Scenario: 12.14 A subscriber that gets a message of QoS 2 again before its PUBREL hands it out once, in version 5
      Given the 'subscriber' process subscribes to 'colour/sky' with QoS '2'
      When the 'peer' process says PUBLISH 'blue' to 'colour/sky' with QoS '2', identifier '7' and DUP '0'
      And the 'peer' process should hear PUBREC '7'
      And the 'peer' process says PUBLISH 'blue' to 'colour/sky' with QoS '2', identifier '7' and DUP '1'
      And the 'peer' process should hear PUBREC '7'
      And the 'peer' process says PUBREL '7'
      And the 'peer' process should hear PUBCOMP '7'
      Then the 'subscriber' process should receive 'blue' on 'colour/sky' with QoS '2'
      And the 'subscriber' process should receive no more
