"""offbook: which trick makes a small language model cheaper to run, and is the speed really free?

The rooms are subpackages, imported by name: `offbook.kernels`, `offbook.engine`, `offbook.tasks`, `offbook.methods`,
`offbook.baselines` and `offbook.harness`. This module imports none of them, so that `offbook --help` answers at once.
"""

__version__ = "0.1.0"
