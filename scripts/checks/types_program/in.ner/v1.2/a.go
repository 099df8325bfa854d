// Package inner has dots in its path.
package inner

import "sync"

type T struct {
	mu   sync.Mutex
	Next *T
	Kids map[string][]*T
}

func (t *T) Lock()         { t.mu.Lock() }
func (t T) Len() int       { return len(t.Kids) }
func (t *T) hidden() error { return nil }

type Hidden interface {
	hidden() error
	Len() int
}

type Pair[K comparable, V any] struct {
	Key K
	Val V
}

func (p *Pair[K, V]) Swap(q Pair[K, V]) Pair[K, V] { old := *p; *p = q; return old }

var H Hidden = &T{}
