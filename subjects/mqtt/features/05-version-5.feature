@v5
Feature: Version 5

  Background:
    Given the 'broker' process serves

  @slow @must:5.0/MQTT-3.1.2-23 @must:5.0/MQTT-4.1.0-2 @must:5.0/MQTT-3.2.2-3
  Scenario: 5.1 A session lasts as long as it says
    Given the 'subscriber' process connects with
      | name | clean | session_expiry |
      | fox  | false | 600            |
    And the 'subscriber' process disconnects
    And the 'watcher' process connects with
      | name | clean | session_expiry |
      | hare | false | 1              |
    And the 'watcher' process disconnects
    When wait for '3' seconds
    And the 'subscriber' process connects with
      | name | clean | session_expiry |
      | fox  | false | 600            |
    And the 'watcher' process connects with
      | name | clean | session_expiry |
      | hare | false | 1              |
    Then the 'subscriber' process should have found its session
    And the 'watcher' process should have found no session

  @must:5.0/MQTT-3.3.4-9
  Scenario: 5.2 No more messages are under way than a subscriber takes at once
    Given the 'peer' process dials and says CONNECT with Receive Maximum '2'
    And the 'peer' process should hear CONNACK '0'
    And the 'peer' process says SUBSCRIBE to 'colour/#' with QoS '1'
    And the 'peer' process should hear SUBACK '1'
    And the 'publisher' process connects
    When the 'publisher' process publishes to each of 'colour/sky, colour/sky, colour/sky' with QoS '1'
    Then the 'peer' process should hear PUBLISH of 'colour/sky' with QoS '1' and DUP '0', and notes its identifier
    And the 'peer' process should hear PUBLISH of 'colour/sky' with QoS '1' and DUP '0', and notes its identifier
    And the 'peer' process should hear no PUBLISH
    When the 'peer' process says PUBACK for the identifier of 'colour/sky'
    Then the 'peer' process should hear PUBLISH of 'colour/sky' with QoS '1' and DUP '0', and notes its identifier

  @must:5.0/4.8.2
  Scenario: 5.3 Each message for a share goes to one of its members
    Given the 'subscriber' process connects
    And the 'watcher' process connects
    And the 'publisher' process connects
    And the 'subscriber' process subscribes to '$share/herd/colour/#' with QoS '1'
    And the 'watcher' process subscribes to '$share/herd/colour/#' with QoS '1'
    When the 'publisher' process publishes the numbers to '20' to 'colour/sky' with QoS '1'
    Then the 'subscriber' process should receive its part of the '20' numbers
    And the 'watcher' process should receive its part of the '20' numbers
    And the 'subscriber' process should receive what is left of the '20' numbers
    And the 'watcher' process should receive what is left of the '20' numbers, so that each came once

  @must:5.0/MQTT-3.8.4-8 @must:5.0/MQTT-4.5.0-1
  Scenario Outline: 5.4 A publisher of version <one> reaches a subscriber of version <other>
    Given the 'subscriber' process connects with
      | version |
      | <other> |
    And the 'publisher' process connects with
      | version |
      | <one>   |
    And the 'subscriber' process subscribes to 'colour/sky' with QoS '1'
    When the 'publisher' process publishes 'blue' to 'colour/sky' with QoS '2'
    Then the 'subscriber' process should receive 'blue' on 'colour/sky' with QoS '1'

    Examples:
      | one | other |
      | 4   | 5     |
      | 5   | 4     |
      | 5   | 5     |

  @slow @must:5.0/MQTT-3.3.2-5 @must:5.0/MQTT-3.3.2-6
  Scenario: 5.5 A message that nobody has fetched in time is not delivered, and others tell what is left
    Given the 'subscriber' process connects and keeps its session
    And the 'subscriber' process subscribes to 'colour/#' with QoS '1'
    And the 'subscriber' process disconnects
    And the 'publisher' process connects
    When the 'publisher' process publishes 'grey' to 'colour/sky' with QoS '1' with
      | expiry |
      | 1      |
    And the 'publisher' process publishes 'blue' to 'colour/sky' with QoS '1' with
      | expiry |
      | 600    |
    And wait for '3' seconds
    And the 'subscriber' process connects and keeps its session
    Then the 'subscriber' process should receive 'blue' on 'colour/sky' with QoS '1' with
      | expiry |
      | 598    |
    And the 'subscriber' process should receive no more

  @must:5.0/MQTT-3.3.2-7
  Scenario: 5.6 An alias ends with its connection
    Given the 'subscriber' process connects
    And the 'subscriber' process subscribes to 'colour/#' with QoS '1'
    And the 'peer' process dials and says CONNECT, and keeps its session
    And the 'peer' process should hear CONNACK '0'
    And the 'peer' process may use an alias
    When the 'peer' process says PUBLISH 'blue' to 'colour/sky' with the alias '1'
    And the 'peer' process says PUBLISH 'grey' to '' with the alias '1'
    Then the 'subscriber' process should receive 'blue' on 'colour/sky' with QoS '0'
    And the 'subscriber' process should receive 'grey' on 'colour/sky' with QoS '0'
    When the 'peer' process dials and says CONNECT, and keeps its session
    And the 'peer' process should hear CONNACK '0'
    And the 'peer' process says PUBLISH 'red' to '' with the alias '1'
    Then the 'peer' process should hear the end of the connection
    And the 'subscriber' process should receive no more

  @must:5.0/MQTT-3.3.2-15 @must:5.0/MQTT-3.3.2-16 @must:5.0/MQTT-3.3.2-17 @must:5.0/MQTT-3.3.2-18 @must:5.0/MQTT-3.3.2-20
  Scenario: 5.7 What stands beside a message is passed on unaltered
    Given the 'subscriber' process connects
    And the 'subscriber' process subscribes to 'colour/sky' with QoS '1'
    And the 'publisher' process connects
    When the 'publisher' process publishes 'blue' to 'colour/sky' with QoS '1' with
      | content_type | response_topic | correlation | user               |
      | text/plain   | colour/answer  | 4711        | b=2, a=1, a=3, c=ü |
    Then the 'subscriber' process should receive 'blue' on 'colour/sky' with QoS '1' with
      | content_type | response_topic | correlation | user               |
      | text/plain   | colour/answer  | 4711        | b=2, a=1, a=3, c=ü |

  @must:5.0/MQTT-3.8.3-3
  Scenario: 5.8 Who does not want its own messages gets none of them
    Given the 'subscriber' process connects
    And the 'publisher' process connects
    And the 'subscriber' process subscribes to 'colour/#' with
      | qos | no_local |
      | 1   | true     |
    When the 'subscriber' process publishes 'grey' to 'colour/sky' with QoS '1'
    And the 'publisher' process publishes 'blue' to 'colour/sky' with QoS '1'
    Then the 'subscriber' process should receive 'blue' on 'colour/sky' with QoS '1'
    And the 'subscriber' process should receive no more

  @must:5.0/MQTT-3.3.1-12 @must:5.0/MQTT-3.3.1-13
  Scenario: 5.9 RETAIN is passed on to who asks for it
    Given the 'subscriber' process connects
    And the 'watcher' process connects
    And the 'publisher' process connects
    And the 'subscriber' process subscribes to 'colour/#' with
      | qos | retain_as_published |
      | 1   | true                |
    And the 'watcher' process subscribes to 'colour/#' with QoS '1'
    When the 'publisher' process publishes and retains 'blue' on 'colour/sky' with QoS '1'
    And the 'publisher' process publishes 'grey' to 'colour/sky' with QoS '1'
    Then the 'subscriber' process should receive 'blue' on 'colour/sky' with QoS '1' as retained
    And the 'subscriber' process should receive 'grey' on 'colour/sky' with QoS '1' as new
    And the 'watcher' process should receive 'blue' on 'colour/sky' with QoS '1' as new

  @must:5.0/MQTT-3.3.1-9 @must:5.0/MQTT-3.3.1-10 @must:5.0/MQTT-3.3.1-11 @must:5.0/MQTT-3.8.4-4
  Scenario: 5.10 Retained messages are sent as the subscription says
    Given the 'publisher' process connects
    And the 'publisher' process publishes and retains 'blue' on 'colour/sky' with QoS '1'
    And the 'subscriber' process connects
    When the 'subscriber' process subscribes to 'colour/sky' with
      | qos | retain_handling |
      | 1   | 2               |
    Then the 'subscriber' process should receive no more
    When the 'subscriber' process subscribes to 'colour/sky' with
      | qos | retain_handling |
      | 1   | 1               |
    Then the 'subscriber' process should receive no more
    When the 'subscriber' process subscribes to 'colour/+' with
      | qos | retain_handling |
      | 1   | 1               |
    Then the 'subscriber' process should receive 'blue' on 'colour/sky' with QoS '1' as retained
    When the 'subscriber' process subscribes to 'colour/sky' with
      | qos | retain_handling |
      | 1   | 0               |
    Then the 'subscriber' process should receive 'blue' on 'colour/sky' with QoS '1' as retained

  @must:5.0/MQTT-3.1.3-9
  Scenario: 5.11 A delayed will is not published if its client is back in time
    Given the 'watcher' process connects
    And the 'watcher' process subscribes to 'will/#' with QoS '1'
    And the 'publisher' process connects with
      | clean | session_expiry | will | will_topic | will_qos | will_delay |
      | false | 600            | gone | will/fox   | 1        | 300        |
    When the 'publisher' process is killed
    Then the 'watcher' process should receive no more
    When the 'publisher' process connects and keeps its session
    Then the 'publisher' process should have found its session
    And the 'watcher' process should receive no more

  @slow @must:5.0/MQTT-3.1.2-8
  Scenario: 5.12 A delayed will is published when its time has come
    Given the 'watcher' process connects
    And the 'watcher' process subscribes to 'will/#' with QoS '1'
    And the 'publisher' process connects with
      | clean | session_expiry | will | will_topic | will_qos | will_delay |
      | false | 600            | gone | will/fox   | 1        | 1          |
    When the 'publisher' process is killed
    Then the 'watcher' process should receive 'gone' on 'will/fox' with QoS '1'

  @must:5.0/MQTT-3.1.2-8
  Scenario: 5.13 Who disconnects with reason 4 has its will published
    Given the 'watcher' process connects
    And the 'watcher' process subscribes to 'will/#' with QoS '1'
    And the 'publisher' process connects with
      | will | will_topic | will_qos |
      | gone | will/fox   | 1        |
    When the 'publisher' process disconnects, and its will is to be published
    Then the 'watcher' process should receive 'gone' on 'will/fox' with QoS '1'

  @must:5.0/MQTT-3.4.2-1
  Scenario: 5.14 What acknowledges a message has a reason that there is
    Given the 'subscriber' process connects
    And the 'subscriber' process subscribes to 'colour/sky' with QoS '1'
    And the 'publisher' process connects
    When the 'publisher' process publishes 'blue' to 'colour/sky' with QoS '1' with
      | user |
      | a=1  |
    And the 'subscriber' process should receive 'blue' on 'colour/sky' with QoS '1'
    Then the network between the 'broker' and the 'publisher' should have carried PUBACK of the 'broker' with a reason that there is
    And the network between the 'broker' and the 'subscriber' should have carried PUBACK of the 'subscriber' with a reason that there is

  @must:5.0/MQTT-3.5.2-1 @must:5.0/MQTT-3.6.2-1 @must:5.0/MQTT-3.7.2-1
  Scenario: 5.15 What completes a message of QoS 2 has reasons that there are
    Given the 'subscriber' process connects
    And the 'subscriber' process subscribes to 'colour/sky' with QoS '2'
    And the 'publisher' process connects
    When the 'publisher' process publishes 'blue' to 'colour/sky' with QoS '2' with
      | user |
      | a=1  |
    And the 'subscriber' process should receive 'blue' on 'colour/sky' with QoS '2'
    Then the network between the 'broker' and the 'publisher' should have carried PUBREC of the 'broker' with a reason that there is
    And the network between the 'broker' and the 'publisher' should have carried PUBREL of the 'publisher' with a reason that there is
    And the network between the 'broker' and the 'publisher' should have carried PUBCOMP of the 'broker' with a reason that there is
    And the network between the 'broker' and the 'subscriber' should have carried PUBREC of the 'subscriber' with a reason that there is
    And the network between the 'broker' and the 'subscriber' should have carried PUBREL of the 'broker' with a reason that there is
    And the network between the 'broker' and the 'subscriber' should have carried PUBCOMP of the 'subscriber' with a reason that there is
