Feature: Accounts
  A bank with a cashier and an auditor: small enough to read, with everything a project can use.

  Background:
    Given the bank is open
    And all ledgers are empty

  Scenario: 1.1 A deposit can be withdrawn
    Given the 'cashier' process opens account 'savings' with '100' coins
    When the 'cashier' process withdraws '30' coins from 'savings'
    Then the 'cashier' process should hold '70' coins in 'savings'

  Scenario: 1.2 An account is never overdrawn
    Given the 'cashier' process opens account 'savings' with '10' coins
    When the 'cashier' process tries to withdraw '11' coins from 'savings'
    Then the withdrawal should be refused with 'insufficient_funds'
    And the 'cashier' process should hold '10' coins in 'savings'

  @batch
  Scenario: 1.3 Several accounts at once
    Given the 'cashier' process opens these accounts:
      | name    | coins | limit |
      | savings | 5     | 2s    |
      | pension | 7     |       |
    Then the 'cashier' process should hold '12' coins in all

  Scenario Outline: 1.4 Interest of <rate> percent
    Given the 'cashier' process opens account 'savings' with '<coins>' coins
    When the 'cashier' process adds <rate> percent interest to 'savings'
    Then the 'cashier' process should hold '<result>' coins in 'savings'

    Examples:
      | coins | rate | result |
      | 100   | 5    | 105    |
      | 200   | 10   | 220    |
