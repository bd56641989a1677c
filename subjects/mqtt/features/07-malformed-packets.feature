Feature: Malformed packets

  Rule: A broker closes the connection

    Background:
      Given the 'broker' process serves

    @must:3.1.1/MQTT-4.8.0-1 @must:3.1.1/MQTT-3.1.0-1
    Scenario: 7.1 A client whose first packet is another one than CONNECT
      Given the 'peer' process dials
      When the 'peer' process says what is malformed: a PUBLISH before CONNECT
      Then the 'peer' process should hear the end of the connection
      And the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'

    @must:3.1.1/MQTT-3.1.0-2
    Scenario: 7.2 A client that says CONNECT twice
      Given the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'
      When the 'peer' process says what is malformed: a second CONNECT
      Then the 'peer' process should hear the end of the connection
      And the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'

    @must:3.1.1/MQTT-3.1.2-3 @must:3.1.1/MQTT-3.1.2-13 @must:3.1.1/MQTT-3.1.2-14 @must:3.1.1/MQTT-3.1.2-15 @must:3.1.1/MQTT-3.1.2-22 @must:3.1.1/MQTT-3.1.3-4 @must:3.1.1/MQTT-3.1.4-1 @must:3.1.1/MQTT-1.5.3-1
    Scenario Outline: 7.3 <what>
      Given the 'peer' process dials
      When the 'peer' process says what is malformed: <what>
      Then the 'peer' process should hear the end of the connection
      And the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'

      Examples:
        | what                           |
        | CONNECT with its reserved flag |
        | CONNECT with a will of QoS 3   |
        | CONNECT that ends too soon     |
        | CONNECT with QoS of no will    |
        | CONNECT with RETAIN of no will |
        | CONNECT with a password alone  |
        | CONNECT with a name that is no UTF-8 |

    @must:3.1.1/MQTT-3.1.3-7 @must:3.1.1/MQTT-3.1.3-8 @must:3.1.1/MQTT-3.2.2-4 @must:3.1.1/MQTT-3.2.2-5
    Scenario: 7.4 A client without a name has no session to keep
      Given the 'peer' process dials
      When the 'peer' process says what is malformed: CONNECT without a name that keeps its session
      Then the 'peer' process should hear CONNACK '2'
      And the 'peer' process should hear the end of the connection

    @must:3.1.1/MQTT-3.3.1-4
    Scenario: 7.5 PUBLISH with a QoS that does not exist
      Given the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'
      When the 'peer' process says what is malformed: PUBLISH with both bits of QoS
      Then the 'peer' process should hear the end of the connection
      And the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'

    @must:3.1.1/MQTT-1.5.3-1 @must:3.1.1/MQTT-1.5.3-2 @must:3.1.1/MQTT-3.3.2-1 @must:3.1.1/MQTT-3.8.3-1 @must:3.1.1/MQTT-3.10.3-1 @must:3.1.1/MQTT-4.7.3-2
    Scenario Outline: 7.6 <what>
      Given the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'
      When the 'peer' process says what is malformed: <what>
      Then the 'peer' process should hear the end of the connection
      And the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'

      Examples:
        | what                                |
        | PUBLISH to a topic that is no UTF-8 |
        | PUBLISH to a topic with a surrogate |
        | PUBLISH to a topic with U+0000      |
        | SUBSCRIBE to a filter that is no UTF-8 |
        | UNSUBSCRIBE from a filter that is no UTF-8 |

    @must:3.1.1/MQTT-4.8.0-1 @must:3.1.1/MQTT-2.3.1-1 @must:3.1.1/MQTT-3.3.2-2 @must:3.1.1/MQTT-3.8.3-3 @must:3.1.1/MQTT-3.10.3-2 @must:3.1.1/MQTT-4.7.1-1 @must:3.1.1/MQTT-4.7.3-1
    Scenario Outline: 7.7 <what>
      Given the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'
      When the 'peer' process says what is malformed: <what>
      Then the 'peer' process should hear the end of the connection
      And the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'

      Examples:
        | what                               |
        | PUBLISH with identifier 0          |
        | PUBLISH to a filter                |
        | PUBLISH that ends within its topic |
        | SUBSCRIBE without a filter         |
        | UNSUBSCRIBE without a filter       |
        | a packet of type 15                |
        | a length of five bytes             |
        | PUBLISH to no topic                |

    @must:3.1.1/MQTT-2.2.2-2 @must:3.1.1/MQTT-3.6.1-1 @must:3.1.1/MQTT-3.8.1-1 @must:3.1.1/MQTT-3.10.1-1 @must:3.1.1/MQTT-3.14.1-1
    Scenario Outline: 7.8 <what>
      Given the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'
      When the 'peer' process says what is malformed: <what>
      Then the 'peer' process should hear the end of the connection
      And the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'

      Examples:
        | what                     |
        | PUBREL with flags 0      |
        | SUBSCRIBE with flags 0   |
        | UNSUBSCRIBE with flags 0 |
        | PINGREQ with flags       |
        | DISCONNECT with flags    |

    @must:3.1.1/MQTT-3.8.3-4
    Scenario Outline: 7.9 <what>
      Given the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'
      When the 'peer' process says what is malformed: <what>
      Then the 'peer' process should hear the end of the connection
      And the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'

      Examples:
        | what                          |
        | SUBSCRIBE with QoS 3          |
        | SUBSCRIBE with a reserved bit |

    # 3.1.1 asks for CONNACK 1; 5.0 lets a broker that speaks it, too, give its own reason, or none.
    @must:3.1.1/MQTT-3.1.2-2 @must:5.0/MQTT-3.1.2-2
    Scenario: 7.13 A client of a version that there is not
      Given the 'peer' process dials
      When the 'peer' process says what is malformed: CONNECT of version 6
      Then the 'peer' process should be refused, if it is answered at all
      And the 'peer' process should hear the end of the connection

    @must:3.1.1/MQTT-3.1.2-1
    Scenario: 7.14 A client of another protocol
      Given the 'peer' process dials
      When the 'peer' process says what is malformed: CONNECT of another protocol
      Then the 'peer' process should be refused, if it is answered at all

    @arguable
    Scenario: 7.12 A filter with # in the middle ends the connection, where it could be refused in SUBACK
      Given the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'
      When the 'peer' process says what is malformed: SUBSCRIBE with # in the middle
      Then the 'peer' process should hear the end of the connection
      And the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'

  Rule: A client closes the connection

    @must:3.1.1/MQTT-3.3.1-4
    Scenario: 7.10 A client that gets PUBLISH with a QoS that does not exist
      Given the 'peer' process serves
      And the 'subscriber' process connects
      And the 'subscriber' process subscribes to 'a/b' with QoS '1'
      When the 'peer' process says what is malformed: PUBLISH with both bits of QoS
      Then the 'peer' process should hear the end of the connection

    @must:3.1.1/MQTT-1.5.3-1 @must:3.1.1/MQTT-1.5.3-2
    Scenario Outline: 7.11 A client that gets <what>
      Given the 'peer' process serves
      And the 'subscriber' process connects
      And the 'subscriber' process subscribes to '#' with QoS '1'
      When the 'peer' process says what is malformed: <what>
      Then the 'peer' process should hear the end of the connection

      Examples:
        | what                                |
        | PUBLISH to a topic that is no UTF-8 |
        | PUBLISH to a topic with U+0000      |
