module wharf/bench/loadgen

go 1.19
