"""The report: one page of HTML that holds all stacks and draws them in the browser."""
