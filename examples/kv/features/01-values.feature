Feature: Values

  Background:
    Given the 'server' process listens
    And the 'client' process connects to 'server'

  Scenario: 1.1 What is set can be got
    When the 'client' process sets 'colour' to 'light blue'
    Then the 'client' process should get 'light blue' for 'colour'

  Scenario: 1.2 A key that is not there has no value
    When the 'client' process sets 'colour' to 'light blue'
    Then the 'client' process should get nothing for 'size'

  Scenario: 1.3 The last value counts
    When the 'client' process sets 'colour' to 'red'
    And the 'client' process sets 'colour' to 'blue'
    Then the 'client' process should get 'blue' for 'colour'

  Scenario: 1.4 What is deleted is not there
    When the 'client' process sets 'colour' to 'red'
    And the 'client' process deletes 'colour'
    Then the 'client' process should get nothing for 'colour'

  Scenario: 1.5 Who talks to a dead one is told
    When the 'server' process is killed
    And the 'client' process tries to get 'colour'
    Then the 'client' process should be told 'gone'
