//go:build cgo

package main

// __attribute__((noinline)) static unsigned long c_leaf(unsigned long x) { return x * 31 + (x >> 7); }
// __attribute__((noinline)) static unsigned long c_loop(unsigned long n) {
//     unsigned long x = 1;
//     for (unsigned long i = 0; i < n * 100; i++) x += c_leaf(x ^ i);
//     return x;
// }
import "C"

func native(n int) uint64 { return uint64(C.c_loop(C.ulong(n))) }
