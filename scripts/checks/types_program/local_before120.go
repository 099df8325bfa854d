//go:build !go1.20

package main

// keep has no type of its own: Go 1.18 and 1.19 do not let generic functions declare any.
func keep[A, B any](a A, b B) B {
	use(a)
	return b
}
