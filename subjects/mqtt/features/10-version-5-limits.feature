@v5
Feature: Version 5: limits

  Rule: A broker keeps to what a client takes

    Background:
      Given the 'broker' process serves

    @must:5.0/MQTT-3.3.4-9 @must:5.0/MQTT-4.9.0-1 @must:5.0/MQTT-4.9.0-2
    Scenario: 10.1 A message of QoS 2 is under way until PUBCOMP
      Given the 'peer' process dials and says CONNECT with Receive Maximum '1'
      And the 'peer' process should hear CONNACK '0'
      And the 'peer' process says SUBSCRIBE to 'colour/#' with QoS '2'
      And the 'peer' process should hear SUBACK '1'
      And a second 'peer' process dials and says CONNECT with
        | name |
        | hare |
      And the second 'peer' process should hear CONNACK '0'
      When the second 'peer' process says PUBLISH 'blue' to 'colour/sky' with QoS '2', identifier '7' and DUP '0'
      And the second 'peer' process should hear PUBREC '7'
      And the second 'peer' process says PUBREL '7'
      And the second 'peer' process should hear PUBCOMP '7'
      And the second 'peer' process says PUBLISH 'grey' to 'colour/sky' with QoS '2', identifier '8' and DUP '0'
      And the second 'peer' process should hear PUBREC '8'
      And the second 'peer' process says PUBREL '8'
      And the second 'peer' process should hear PUBCOMP '8'
      Then the 'peer' process should hear PUBLISH of 'colour/sky' with QoS '2' and DUP '0', and notes its identifier
      When the 'peer' process says PUBREC for the identifier of 'colour/sky'
      Then the 'peer' process should hear PUBREL for the identifier of 'colour/sky', and no PUBLISH before
      And the 'peer' process should hear no PUBLISH
      When the 'peer' process says PUBCOMP for the identifier of 'colour/sky'
      Then the 'peer' process should hear PUBLISH of 'colour/sky' with QoS '2' and DUP '0', and notes its identifier

    @must:5.0/MQTT-4.3.3-4 @must:5.0/4.9
    Scenario: 10.2 A PUBREC that refuses ends a message
      Given the 'peer' process dials and says CONNECT with Receive Maximum '1'
      And the 'peer' process should hear CONNACK '0'
      And the 'peer' process says SUBSCRIBE to 'colour/#' with QoS '2'
      And the 'peer' process should hear SUBACK '1'
      And a second 'peer' process dials and says CONNECT with
        | name |
        | hare |
      And the second 'peer' process should hear CONNACK '0'
      When the second 'peer' process says PUBLISH 'blue' to 'colour/sky' with QoS '2', identifier '7' and DUP '0'
      And the second 'peer' process should hear PUBREC '7'
      And the second 'peer' process says PUBREL '7'
      And the second 'peer' process should hear PUBCOMP '7'
      And the second 'peer' process says PUBLISH 'grey' to 'colour/sky' with QoS '2', identifier '8' and DUP '0'
      And the second 'peer' process should hear PUBREC '8'
      And the second 'peer' process says PUBREL '8'
      And the second 'peer' process should hear PUBCOMP '8'
      Then the 'peer' process should hear PUBLISH of 'colour/sky' with QoS '2' and DUP '0', and notes its identifier
      When the 'peer' process says PUBREC for the identifier of 'colour/sky', with reason '131'
      Then the 'peer' process should hear PUBLISH 'grey' of 'colour/sky' next, and no PUBREL

    @must:5.0/MQTT-3.3.4-10 @must:5.0/MQTT-4.9.0-3 @must:5.0/MQTT-3.12.4-1
    Scenario: 10.3 Who can take no message is answered all the same
      Given the 'peer' process dials and says CONNECT with Receive Maximum '1'
      And the 'peer' process should hear CONNACK '0'
      And the 'peer' process says SUBSCRIBE to 'colour/#' with QoS '1'
      And the 'peer' process should hear SUBACK '1'
      When the 'peer' process says PUBLISH 'blue' to 'colour/1' with
        | qos | number |
        | 1   | 7      |
      And the 'peer' process should hear PUBLISH of 'colour/1' with QoS '1' and DUP '0', and notes its identifier
      And the 'peer' process says PINGREQ
      Then the 'peer' process should hear PINGRESP
      When the 'peer' process says SUBSCRIBE to 'else' with QoS '1'
      Then the 'peer' process should hear SUBACK '1'

    @must:5.0/MQTT-3.1.2-24 @must:5.0/MQTT-3.1.2-25
    Scenario: 10.4 A message that is too large for a client is not sent, and does not keep others back
      Given the 'peer' process dials and says CONNECT with
        | session_expiry | receive_maximum | maximum_packet |
        | 600            | 1               | 200            |
      And the 'peer' process should hear CONNACK '0'
      And the 'peer' process says SUBSCRIBE to 'colour/#' with QoS '1'
      And the 'peer' process should hear SUBACK '1'
      And a second 'peer' process dials and says CONNECT with
        | name |
        | hare |
      And the second 'peer' process should hear CONNACK '0'
      When the second 'peer' process says PUBLISH 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' to 'colour/1' with QoS '1', identifier '7' and DUP '0'
      And the second 'peer' process should hear PUBACK '7'
      And the second 'peer' process says PUBLISH 'blue' to 'colour/2' with QoS '1', identifier '8' and DUP '0'
      And the second 'peer' process should hear PUBACK '8'
      Then the 'peer' process should hear PUBLISH 'blue' of 'colour/2' with
        | qos |
        | 1   |

    @must:5.0/MQTT-3.1.2-27
    Scenario: 10.5 No alias is used where the client takes none
      Given the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'
      And the 'peer' process says SUBSCRIBE to 'colour/#' with QoS '0'
      And the 'peer' process should hear SUBACK '1'
      And a second 'peer' process dials and says CONNECT with
        | name |
        | hare |
      And the second 'peer' process should hear CONNACK '0'
      When the second 'peer' process says PUBLISH 'blue' to 'colour/1' with
        | qos |
        | 0   |
      And the second 'peer' process says PUBLISH 'blue' to 'colour/1' with
        | qos |
        | 0   |
      Then the 'peer' process should hear PUBLISH of each of 'colour/1, colour/1', under aliases up to '0'

    @must:5.0/MQTT-3.1.2-26 @must:5.0/MQTT-3.3.2-11
    Scenario: 10.6 Aliases are used up to what the client takes
      Given the 'peer' process dials and says CONNECT with
        | session_expiry | alias_maximum |
        | 600            | 2             |
      And the 'peer' process should hear CONNACK '0'
      And the 'peer' process says SUBSCRIBE to 'colour/#' with QoS '0'
      And the 'peer' process should hear SUBACK '1'
      And a second 'peer' process dials and says CONNECT with
        | name |
        | hare |
      And the second 'peer' process should hear CONNACK '0'
      When the second 'peer' process says PUBLISH 'blue' to 'colour/1' with
        | qos |
        | 0   |
      And the second 'peer' process says PUBLISH 'blue' to 'colour/2' with
        | qos |
        | 0   |
      And the second 'peer' process says PUBLISH 'blue' to 'colour/3' with
        | qos |
        | 0   |
      And the second 'peer' process says PUBLISH 'blue' to 'colour/1' with
        | qos |
        | 0   |
      And the second 'peer' process says PUBLISH 'blue' to 'colour/2' with
        | qos |
        | 0   |
      And the second 'peer' process says PUBLISH 'blue' to 'colour/3' with
        | qos |
        | 0   |
      Then the 'peer' process should hear PUBLISH of each of 'colour/1, colour/2, colour/3, colour/1, colour/2, colour/3', under aliases up to '2'

    @must:5.0/MQTT-3.3.2-12
    Scenario: 10.7 An alias stands for the topic that it had last
      Given the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'
      And the 'peer' process says SUBSCRIBE to 'colour/#' with QoS '0'
      And the 'peer' process should hear SUBACK '1'
      When the 'peer' process publishes under the highest alias that the broker takes, first to 'colour/sky'
      Then the 'peer' process should hear PUBLISH of each of 'colour/sky, colour/sky, colour/sky/more, colour/sky/more', under aliases up to '0'

    @must:5.0/MQTT-3.1.2-28 @must:5.0/MQTT-4.12.0-6
    Scenario: 10.8 CONNACK has nothing that needs to be asked for
      Given the 'peer' process dials and says CONNECT with
        | request_response |
        | 0                |
      Then the 'peer' process should hear CONNACK '0' without 'response_information, authentication_method'

    @must:5.0/MQTT-3.1.2-29
    Scenario: 10.9 Who wants no words gets none with an acknowledgement
      Given the 'peer' process dials and says CONNECT with
        | request_problem |
        | 0               |
      And the 'peer' process should hear CONNACK '0'
      When the 'peer' process says SUBSCRIBE to 'colour/#' with QoS '1'
      Then the 'peer' process should hear SUBACK without 'reason, user'
      When the 'peer' process says UNSUBSCRIBE from each of 'colour/none'
      Then the 'peer' process should hear UNSUBACK without 'reason, user'
      When the 'peer' process says PUBLISH 'blue' to 'nobody/here' with
        | qos | number |
        | 1   | 7      |
      Then the 'peer' process should hear PUBACK without 'reason, user'

    @must:5.0/MQTT-4.12.0-1 @must:5.0/MQTT-3.2.2-7 @must:5.0/MQTT-4.13.2-1 @must:5.0/MQTT-3.2.2-6 @must:5.0/MQTT-3.2.2-8
    Scenario: 10.10 A method of authentication that nobody knows is refused
      Given the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'
      When the 'peer' process dials and says CONNECT with
        | authentication_method |
        | harmony               |
      Then the 'peer' process should be refused, if it is answered at all
      And the 'peer' process should hear the end of the connection

    # The standard says so, but not as a demand: a broker may refuse the one message that is too many, too.
    @arguable
    Scenario: 10.11 Who has more messages under way than the broker takes is told to go
      Given the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'
      When the 'peer' process begins one message of QoS 2 more than the broker takes at once
      Then the 'peer' process should hear the end of the connection

  Rule: A client keeps to what a broker takes

    Background:
      Given the 'peer' process serves

    @must:5.0/MQTT-3.3.4-7 @must:5.0/MQTT-4.9.0-2
    Scenario: 10.13 No more messages are under way than the broker takes at once
      Given the 'peer' process answers CONNECT with
        | receive_maximum |
        | 2               |
      And the 'publisher' process connects
      And the network between the 'peer' and the 'publisher' delays everything from the 'publisher' by '100 ms'
      When the 'publisher' process publishes the numbers to '6' to 'order/1' with QoS '1'
      Then the network between the 'peer' and the 'publisher' should never have had more than '2' messages of the 'publisher' under way

    @must:5.0/MQTT-3.2.2-11
    Scenario: 10.14 No message has a QoS above that of the broker
      Given the 'peer' process answers CONNECT with
        | maximum_qos |
        | 0           |
      And the 'publisher' process connects
      When the 'publisher' process tries to publish to 'colour/sky' with
        | qos |
        | 1   |
      Then the network between the 'peer' and the 'publisher' should have carried no PUBLISH of the 'publisher' beyond
        | qos |
        | 0   |

    @must:5.0/MQTT-3.2.2-14
    Scenario: 10.15 No message is to be retained by a broker that cannot
      Given the 'peer' process answers CONNECT with
        | retain_available |
        | 0                |
      And the 'publisher' process connects
      When the 'publisher' process tries to publish to 'colour/sky' with
        | qos | retain |
        | 1   | true   |
      Then the network between the 'peer' and the 'publisher' should have carried no PUBLISH of the 'publisher' beyond
        | retain |
        | false  |

    @must:5.0/MQTT-3.2.2-15
    Scenario: 10.16 No message is too large for the broker
      Given the 'peer' process answers CONNECT with
        | maximum_packet |
        | 100            |
      And the 'publisher' process connects
      When the 'publisher' process tries to publish to 'colour/sky' with
        | qos | size |
        | 1   | 200  |
      Then the network between the 'peer' and the 'publisher' should have carried no PUBLISH of the 'publisher' beyond
        | size |
        | 100  |

    @must:5.0/MQTT-3.2.2-18
    Scenario: 10.17 No alias is used where the broker takes none
      Given the 'peer' process answers CONNECT with
        | receive_maximum |
        | 10              |
      And the 'publisher' process connects
      When the 'publisher' process publishes to each of 'colour/sky, colour/sky' with QoS '1'
      Then the network between the 'peer' and the 'publisher' should have carried no PUBLISH of the 'publisher' beyond
        | alias |
        | 0     |

    @slow @must:5.0/MQTT-3.1.2-20 @must:5.0/MQTT-3.1.2-21 @must:5.0/MQTT-3.2.2-21
    Scenario: 10.18 The keep-alive that the broker has set counts
      Given the 'peer' process answers CONNECT with
        | server_keep_alive |
        | 2                 |
      When the 'subscriber' process connects with
        | keep_alive |
        | 600        |
      Then the 'peer' process should hear PINGREQ within '12' seconds
