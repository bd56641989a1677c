Feature: Letters

  Scenario: 1.1 A letter arrives
    When the 'sender' process posts 'apple'
    Then the 'receiver' process should hold 'apple'

  Scenario: 1.2 Nothing arrives that nobody has posted
    When the 'sender' process posts 'pear'
    Then the 'receiver' process should not hold 'plum'
