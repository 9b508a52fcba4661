module sample.example

go 1.26
