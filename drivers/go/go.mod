module zerobuffer

go 1.22
