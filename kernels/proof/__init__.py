"""How kernels are proven without a GPU: interpreted under a guard, and compiled for one without being run."""
