Feature: Watching

  Background:
    Given the 'server' process listens
    And the 'client' process connects to 'server'
    And the 'watcher' process connects to 'server'
    And the 'watcher' process watches 'colour'

  Scenario: 3.1 Who watches a key is told of each change, in order
    When the 'client' process sets 'size' to '5'
    And the 'client' process sets 'colour' to 'light blue'
    And the 'client' process deletes 'colour'
    Then the 'watcher' process should see 'light blue'
    And the 'watcher' process should see nothing there

  Scenario: 3.2 Expiry is a change
    When the 'client' process sets 'colour' to 'red'
    And the 'client' process lets 'colour' expire after '50 ms'
    Then the 'watcher' process should see 'red'
    And the 'watcher' process should see nothing there
