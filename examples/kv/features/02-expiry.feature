Feature: Values for a time

  Background:
    Given the 'server' process listens
    And the 'client' process connects to 'server'
    And the 'client' process sets 'colour' to 'red'

  Scenario: 2.1 A value expires
    When the 'client' process lets 'colour' expire after '50 ms'
    Then the 'client' process should find 'colour' gone within '5 s'

  Scenario: 2.2 Until then it is there
    When the 'client' process lets 'colour' expire after '1 min'
    Then the 'client' process should get 'red' for 'colour'

  Scenario: 2.3 A value that is set again stays
    When the 'client' process lets 'colour' expire after '100 ms'
    And the 'client' process sets 'colour' to 'blue'
    And wait for '0.3' seconds
    Then the 'client' process should get 'blue' for 'colour'

  Scenario: 2.4 What is not there cannot expire
    When the 'client' process tries to let 'size' expire
    Then the 'client' process should be told 'missing'
