Feature: Delivery

  Background:
    Given the 'broker' process serves

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
