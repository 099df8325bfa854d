//go:build !cgo

package main

func native(int) uint64 { return 0 }
