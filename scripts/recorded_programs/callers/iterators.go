//go:build go1.23

package main

import "iter"

func count(n int) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for i := 0; i < n; i++ {
			if !yield(uint64(i)) {
				return
			}
		}
	}
}

//go:noinline
func iterators(n int) uint64 {
	var x uint64
	for i := range count(n) {
		x += leaf(i)
	}
	return x
}
