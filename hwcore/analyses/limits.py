"""How many parameters a network may have for what solves or diagonalises dense matrices of as many rows."""

# of more an exact Hessian does not fit on a laptop with a hundred replicates
EXACT_HESSIAN = 2000
# each step solves a dense system
LEVENBERG_MARQUARDT = 3000
