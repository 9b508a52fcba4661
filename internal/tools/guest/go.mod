module github.com/seed-9d983aeb/fdelab/internal/tools/guest

go 1.26.4
