"""The measurements: what sockshim costs, side by side with its peers. See README.md."""
