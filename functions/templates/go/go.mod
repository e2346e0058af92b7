module new-function

go 1.21
