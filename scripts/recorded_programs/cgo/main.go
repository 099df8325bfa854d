// Command program spends its time in C code, called from Go.
package main

/*
#cgo CFLAGS: -O1 -fno-omit-frame-pointer -g
#include <stdint.h>

__attribute__((noinline)) static uint64_t c_inner(uint64_t n) {
	uint64_t x = 1;
	for (uint64_t i = 0; i < n; i++)
		x = x * 6364136223846793005u + i;
	return x;
}

__attribute__((noinline)) uint64_t c_outer(uint64_t n) {
	uint64_t x = 0;
	for (int i = 0; i < 3; i++)
		x += c_inner(n) ^ x;
	return x;
}
*/
import "C"

import "time"

//go:noinline
func goSpin(n uint64) (x uint64) {
	for i := uint64(0); i < n; i++ {
		x = x*2862933555777941757 + i
	}
	return x
}

//go:noinline
func round(n uint64) uint64 {
	return uint64(C.c_outer(C.uint64_t(n))) + goSpin(n)
}

func main() {
	var sum uint64
	for end := time.Now().Add(200 * time.Millisecond); time.Now().Before(end); {
		sum += round(20_000)
	}
	println("checksum", sum)
}
