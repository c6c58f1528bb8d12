"""Pictures that were made, in a store: the same objects that a batch makes, known to the same ledger."""
