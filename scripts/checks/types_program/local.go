//go:build go1.20

package main

func keep[A, B any](a A, b B) B {
	type local struct {
		a A
		b B
	}
	l := local{a, b}
	use(l)
	return l.b
}
