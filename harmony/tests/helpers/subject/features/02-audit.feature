Feature: Audit

  Rule: Books are checked by someone else

    Scenario: 2.1 The auditor counts while the cashier works
      Given the 'cashier' process opens account 'shared' with '0' coins
      When the 'cashier' process deposits '50' coins one by one into 'shared'
      And the 'auditor' process opens a ledger
      Then the 'auditor' process should find its ledger empty
      And the 'cashier' process should hold '50' coins in 'shared'

    Scenario: 2.2 A second auditor has a ledger of its own
      Given the 'auditor' process opens a ledger
      When the 'auditor' process notes:
        """
        all is well
        """
      And a second 'auditor' process opens a ledger
      Then the 'auditor' process should find '11' characters in its ledger

  Rule: An auditor may be replaced

    Scenario: 2.3 A new auditor starts afresh
      Given the 'auditor' process opens a ledger
      And the 'auditor' process notes:
        """
        half a page
        """
      When the 'auditor' process is killed
      And a new 'auditor' process opens a ledger
      Then the 'auditor' process should find its ledger empty
