module github.com/seed-9d983aeb/fdelab/internal/tools/mutation

go 1.26.4

require golang.org/x/tools v0.51.0

require (
	golang.org/x/mod v0.41.0 // indirect
	golang.org/x/sync v0.23.0 // indirect
)
