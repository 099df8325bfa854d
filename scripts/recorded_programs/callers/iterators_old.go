//go:build !go1.23

package main

func iterators(int) uint64 { return 0 }
