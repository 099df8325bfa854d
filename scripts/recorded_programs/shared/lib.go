// A library of Go that a program of C loads.
package main

import "C"

//go:noinline
func spin(n uint64) (x uint64) {
	for i := uint64(0); i < n; i++ {
		x = x*6364136223846793005 + i
	}
	return x
}

func twice(n uint64) uint64 { return spin(n) ^ spin(n+1) }

//export GoWork
func GoWork(n uint64) uint64 { return twice(n) }

func main() {}
