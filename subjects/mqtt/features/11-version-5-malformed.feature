@v5
Feature: Version 5: malformed packets

  Rule: A broker closes the connection

    Background:
      Given the 'broker' process serves

    @must:5.0/MQTT-3.1.0-1 @must:5.0/MQTT-3.1.2-3 @must:5.0/MQTT-3.1.2-11 @must:5.0/MQTT-3.1.2-12 @must:5.0/MQTT-3.1.2-13 @must:5.0/MQTT-3.1.3-4 @must:5.0/MQTT-3.1.4-1
    Scenario Outline: 11.1 In version 5, <what>
      Given the 'peer' process dials
      When the 'peer' process says what is malformed: <what>
      Then the 'peer' process should be refused, if it is answered at all
      And the 'peer' process should hear the end of the connection
      And the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'

      Examples:
        | what                                       |
        | a PUBLISH before CONNECT                   |
        | CONNECT with its reserved flag             |
        | CONNECT with a will of QoS 3               |
        | CONNECT that ends too soon                 |
        | CONNECT with Receive Maximum 0             |
        | CONNECT with Maximum Packet Size 0         |
        | CONNECT with Request Problem Information 2 |
        | CONNECT with Session Expiry twice          |
        | CONNECT with the alias of a PUBLISH        |
        | CONNECT with a property that there is not  |
        | CONNECT with authentication data alone     |
        | CONNECT whose properties end behind it     |
        | CONNECT with QoS of no will                |
        | CONNECT with RETAIN of no will             |
        | CONNECT with a name that is no UTF-8       |

    @must:5.0/MQTT-4.13.1-1 @must:5.0/MQTT-4.7.3-1
    Scenario Outline: 11.2 In version 5, <what>
      Given the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'
      When the 'peer' process says what is malformed: <what>
      Then the 'peer' process should hear the end of the connection
      And the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'

      Examples:
        | what                                              |
        | PUBLISH that ends within its topic                |
        | PUBLISH to no topic and under no alias            |
        | PUBLISH under an alias that stands for nothing    |
        | PUBLISH with its content type twice               |
        | PUBLISH with Session Expiry                       |
        | PUBLISH with a property that there is not         |
        | PUBLISH whose properties end behind it            |
        | SUBSCRIBE with QoS 3                              |
        | SUBSCRIBE with Retain Handling 3                  |
        | SUBSCRIBE with the identifier 0 of a subscription |
        | SUBSCRIBE with two identifiers of a subscription  |
        | a packet of type 0                                |
        | a length of five bytes                            |

    @must:5.0/MQTT-3.3.1-4 @must:5.0/MQTT-2.2.1-3 @must:5.0/MQTT-3.3.2-2 @must:5.0/MQTT-3.3.2-8 @must:5.0/MQTT-4.7.0-1
    Scenario Outline: 11.9 In version 5, <what>
      Given the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'
      When the 'peer' process says what is malformed: <what>
      Then the 'peer' process should hear the end of the connection
      And the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'

      Examples:
        | what                                          |
        | PUBLISH with both bits of QoS                 |
        | PUBLISH with identifier 0                     |
        | PUBLISH to a filter                           |
        | PUBLISH under the alias 0                     |

    @must:5.0/MQTT-1.5.4-1 @must:5.0/MQTT-1.5.4-2 @must:5.0/MQTT-3.3.2-1 @must:5.0/MQTT-3.8.3-1 @must:5.0/MQTT-3.10.3-1 @must:5.0/MQTT-4.7.3-2
    Scenario Outline: 11.10 In version 5, <what>
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

    @must:5.0/MQTT-3.8.3-2 @must:5.0/MQTT-3.8.3-4 @must:5.0/MQTT-3.8.3-5 @must:5.0/MQTT-3.10.3-2
    Scenario Outline: 11.11 In version 5, <what>
      Given the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'
      When the 'peer' process says what is malformed: <what>
      Then the 'peer' process should hear the end of the connection
      And the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'

      Examples:
        | what                               |
        | SUBSCRIBE without a filter         |
        | SUBSCRIBE with a reserved bit      |
        | SUBSCRIBE of a share with No Local |
        | UNSUBSCRIBE without a filter       |

    @must:5.0/MQTT-2.1.3-1 @must:5.0/MQTT-3.6.1-1 @must:5.0/MQTT-3.8.1-1 @must:5.0/MQTT-3.10.1-1 @must:5.0/MQTT-3.14.1-1 @must:5.0/MQTT-3.15.1-1
    Scenario Outline: 11.12 In version 5, <what>
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
        | AUTH with flags          |
        | DISCONNECT with flags    |

    @must:5.0/MQTT-3.1.0-2 @must:5.0/MQTT-4.12.0-7
    Scenario Outline: 11.13 In version 5, <what>
      Given the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'
      When the 'peer' process says what is malformed: <what>
      Then the 'peer' process should hear the end of the connection
      And the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'

      Examples:
        | what                                      |
        | a second CONNECT                          |
        | AUTH of a client that has named no method |

    # Nobody may say so, but nobody says either that a broker has to look. So it is with the next two.
    @arguable
    Scenario: 11.3 PUBLISH under an alias that the broker does not take
      Given the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'
      When the 'peer' process publishes under an alias above those that the broker takes
      Then the 'peer' process should hear the end of the connection

    # The standard allows to tell no reason, and one that says less.
    @should:5.0/4.13.1
    Scenario Outline: 11.4 Why it ends is said: <what>
      Given the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'
      When the 'peer' process says what is malformed: <what>
      Then the 'peer' process should hear DISCONNECT for one of '<reasons>'

      Examples:
        | what                                      | reasons    |
        | PUBLISH with both bits of QoS             | 0x81, 0x82 |
        | PUBLISH to a topic with U+0000            | 0x81, 0x82, 0x90 |
        | PUBLISH to no topic and under no alias    | 0x82, 0x81 |
        | PUBLISH under the alias 0                 | 0x94, 0x82, 0x81 |
        | SUBSCRIBE without a filter                | 0x82, 0x81 |
        | SUBSCRIBE of a share with No Local        | 0x82, 0x81 |
        | SUBSCRIBE with a reserved bit             | 0x81, 0x82 |
        | AUTH of a client that has named no method | 0x82, 0x81 |
        | a second CONNECT                          | 0x82, 0x81 |

    @arguable
    Scenario Outline: 11.5 <what>
      Given the 'peer' process dials and says CONNECT, and keeps its session
      And the 'peer' process should hear CONNACK '0'
      When the 'peer' process says what is malformed: <what>
      Then the 'peer' process should hear the end of the connection

      Examples:
        | what                                          |
        | PUBLISH with a filter as its response topic   |
        | PUBLISH with the identifier of a subscription |

  Rule: A client closes the connection

    Background:
      Given the 'peer' process serves

    @must:5.0/MQTT-3.2.2-4
    Scenario: 11.6 A client that has no session and is told of one
      Given the 'peer' process answers CONNECT with
        | session_present |
        | true            |
      When the 'subscriber' process tries to connect
      Then the 'peer' process should hear the end of the connection

    @should:5.0/4.13.1
    Scenario Outline: 11.7 A client of version 5 that gets <what>
      Given the 'subscriber' process connects
      And the 'subscriber' process subscribes to '#' with QoS '1'
      When the 'peer' process says what is malformed: <what>
      Then the 'peer' process should hear the end of the connection

      Examples:
        | what                                      |
        | PUBLISH with both bits of QoS             |
        | PUBLISH to a topic with U+0000            |
        | PUBLISH to no topic and under no alias    |
        | PUBLISH under an alias that stands for nothing |
        | PUBLISH with its content type twice       |
        | PUBLISH with a property that there is not |
        | AUTH of a client that has named no method |
        | a second CONNACK                          |

    @should:5.0/3.14.4
    Scenario: 11.8 A client that the broker dismisses goes
      Given the 'subscriber' process connects
      When the 'peer' process says DISCONNECT with
        | reason |
        | 139    |
      Then the 'peer' process should hear the end of the connection
