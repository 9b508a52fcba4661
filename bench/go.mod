module github.com/seed-9d983aeb/fdelab/bench

go 1.26.4

require (
	github.com/go-jose/go-jose/v4 v4.1.9
	github.com/seed-9d983aeb/fdelab v0.0.0
	github.com/tink-crypto/tink-go/v2 v2.9.0
	golang.org/x/crypto v0.58.0
)

require (
	github.com/looplab/fsm v1.0.3 // indirect
	github.com/secure-systems-lab/go-securesystemslib v0.11.1 // indirect
	go.etcd.io/bbolt v1.5.0 // indirect
	golang.org/x/sys v0.50.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace github.com/seed-9d983aeb/fdelab => ../
