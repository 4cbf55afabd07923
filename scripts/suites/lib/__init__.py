"""The framework: what runs a suite, compares its outcomes, and reports them."""
