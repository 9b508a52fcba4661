module small.example

go 1.26
